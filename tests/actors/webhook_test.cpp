// SPDX-License-Identifier: Apache-2.0
// What SES says through SNS, with a key and a certificate of this test's own.
#include "actors/webhook.hpp"
#include "tests/actors/companion.hpp"
#include "tests/actors/sns_signer.hpp"

#include "storage/moments.hpp"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include <unistd.h>

namespace lyceum {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::ses_bounce;
using testing::ses_complaint;
using testing::signer;
using ::testing::SizeIs;
using testing::sns_draft;

const auto noon = from_micros(1'735'732'800'000'000); // 2025-01-01T12:00:00Z
const std::string topic = "arn:aws:sns:eu-central-1:123456789012:bounces";
const std::string certificate_url = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-f3ec.pem";

/// Signs as Amazon does. Making a key takes a while, so there is one.
const signer& amazon() {
  static const signer made("sns.amazonaws.com", -24h * 10000, 24h * 10000);
  return made;
}

struct webhook_test : ::testing::Test {
  webhook_desk desk;
  std::map<std::string, std::string> there{{certificate_url, amazon().certificate()}};
  std::vector<std::string> fetched;

  webhook_test() {
    desk.topic = topic;
    desk.fetch = [this](const std::string& url) -> expected<std::string> {
      fetched.push_back(url);
      const auto found = there.find(url);
      if (found == there.end())
        return fail(problem::kind::unavailable, "nothing is there");
      return found->second;
    };
  }
  webhook_verdict say(const sns_draft& what, unix_time now = noon, const signer& by = amazon()) {
    return judge_webhook(desk, what.written(by), now);
  }
  static sns_draft bounce() {
    sns_draft made;
    made.members["Message"] = ses_bounce("ann@example.com");
    return made;
  }
};

TEST_F(webhook_test, a_permanent_bounce_is_believed_in_both_versions_of_the_signature) {
  for (const auto* version : {"1", "2"}) {
    auto what = bounce();
    what.members["SignatureVersion"] = version;
    const auto got = say(what);
    EXPECT_EQ(got.status, 200) << got.why;
    EXPECT_THAT(got.reports,
                ElementsAre(mail_report{"ann@example.com", suppression_kind::bounce,
                                        "Amazon SES: permanent bounce, General: smtp; 550 5.1.1 user unknown"}));
  }
}

TEST_F(webhook_test, a_subject_is_signed_too) {
  auto what = bounce();
  what.members["Subject"] = "Amazon SES\n\"Email\" Event";
  EXPECT_EQ(say(what).reports.size(), 1u);
}

TEST_F(webhook_test, of_a_signed_message_no_octet_can_be_changed) {
  for (const auto* version : {"1", "2"}) {
    auto what = bounce();
    what.members["SignatureVersion"] = version;
    const auto good = what.written(amazon());
    ASSERT_EQ(judge_webhook(desk, good, noon).reports.size(), 1u);
    for (std::size_t i = 0; i < good.size(); ++i)
      for (const unsigned flip : {0x01U, 0x02U, 0x04U, 0x08U, 0x10U, 0x20U, 0x40U, 0x80U}) {
        auto bad = good;
        bad[i] = static_cast<char>(static_cast<unsigned char>(bad[i]) ^ flip);
        webhook_desk fresh; // one that may fetch
        fresh.topic = desk.topic;
        fresh.fetch = desk.fetch;
        ASSERT_THAT(judge_webhook(fresh, bad, noon).reports, IsEmpty()) << i << " of " << bad;
      }
    for (std::size_t i = 0; i < good.size(); ++i) {
      auto cut = good;
      cut.erase(i, 1);
      ASSERT_THAT(judge_webhook(desk, cut, noon).reports, IsEmpty()) << i;
      ASSERT_THAT(judge_webhook(desk, good.substr(0, i), noon).reports, IsEmpty()) << i;
    }
  }
}

RC_GTEST_FIXTURE_PROP(webhook_test, whatever_octets_come_nothing_is_believed, (const std::string& octets)) {
  RC_ASSERT(judge_webhook(desk, octets, noon).reports.empty());
  auto what = bounce();
  what.members["Message"] = octets;
  what.members["MessageId"] = "x";
  auto text = sns_draft(what).written(amazon());
  RC_ASSERT(judge_webhook(desk, text + octets + "x", noon).reports.empty());
}

TEST_F(webhook_test, somebody_elses_key_is_not_believed) {
  const signer mallory("sns.amazonaws.com", -24h * 10000, 24h * 10000);
  EXPECT_EQ(say(bounce(), noon, mallory).status, 403);
}

TEST_F(webhook_test, a_certificate_for_another_host_or_another_time_is_not_believed) {
  const signer other("sns.example.com", -24h * 10000, 24h * 10000);
  there[certificate_url] = other.certificate();
  auto got = say(bounce(), noon, other);
  EXPECT_EQ(got.status, 403);
  EXPECT_THAT(got.why, HasSubstr("another host"));

  const signer over("sns.amazonaws.com", -24h * 10000, -24h * 9000);
  webhook_desk fresh;
  fresh.topic = topic;
  fresh.fetch = [&](const std::string&) { return expected<std::string>(over.certificate()); };
  got = judge_webhook(fresh, bounce().written(over), noon);
  EXPECT_EQ(got.status, 403);
  EXPECT_THAT(got.why, HasSubstr("another time"));

  const signer of_the_region("sns.eu-central-1.amazonaws.com", -24h * 10000, 24h * 10000);
  webhook_desk third;
  third.topic = topic;
  third.fetch = [&](const std::string&) { return expected<std::string>(of_the_region.certificate()); };
  EXPECT_EQ(judge_webhook(third, bounce().written(of_the_region), noon).status, 200);
}

TEST_F(webhook_test, a_certificate_inside_of_something_else_is_none) {
  there[certificate_url] = "<Error>\n" + amazon().certificate() + "</Error>";
  EXPECT_EQ(say(bounce()).status, 403);
}

TEST_F(webhook_test, what_is_no_certificate_is_refused) {
  there[certificate_url] = "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n";
  EXPECT_EQ(say(bounce()).status, 403);
}

TEST_F(webhook_test, another_topic_is_refused_before_anything_is_fetched) {
  auto what = bounce();
  what.members["TopicArn"] = topic + "2";
  EXPECT_EQ(say(what).status, 403);
  EXPECT_THAT(fetched, IsEmpty());
}

TEST_F(webhook_test, what_was_said_more_than_an_hour_ago_is_not_heard_again) {
  EXPECT_EQ(say(bounce(), noon + 1h).status, 200);
  EXPECT_EQ(say(bounce(), noon + 1h + 1us).status, 403);
  EXPECT_EQ(say(bounce(), noon - 1h).status, 200);
  EXPECT_EQ(say(bounce(), noon - 1h - 1us).status, 403);
}

TEST_F(webhook_test, certificates_come_from_amazon_alone) {
  for (const auto* url : {"http://sns.eu-central-1.amazonaws.com/SimpleNotificationService-a.pem",
                          "https://sns.eu-central-1.amazonaws.com.evil.example/SimpleNotificationService-a.pem",
                          "https://evil.example/sns.eu-central-1.amazonaws.com/SimpleNotificationService-a.pem",
                          "https://sns.amazonaws.com/SimpleNotificationService-a.pem",
                          "https://sns.eu-central-1.amazonaws.com@evil.example/SimpleNotificationService-a.pem",
                          "https://sns.eu-central-1.amazonaws.com:8443/SimpleNotificationService-a.pem",
                          "https://evil.sns.eu-central-1.amazonaws.com/SimpleNotificationService-a.pem",
                          "https://sns.eu.central.1.amazonaws.com/SimpleNotificationService-a.pem",
                          "https://xsns.eu-central-1.amazonaws.com/SimpleNotificationService-a.pem",
                          "https://sns.eu-central-1.amazonaws.com",
                          "https://sns.eu-central-1.amazonaws.com?/SimpleNotificationService-a.pem",
                          "https://sns.eu-central-1.amazonaws.com\\@evil.example/SimpleNotificationService-a.pem",
                          "https://sns..amazonaws.com/SimpleNotificationService-a.pem",
                          "https://sns.eu-central-1.amazonaws.com\n/SimpleNotificationService-a.pem",
                          "https:///SimpleNotificationService-a.pem",
                          "",
                          "https://SNS.eu-central-1.amazonaws.com/SimpleNotificationService-a.pem",
                          "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-a.pem#b",
                          "https://sns.eu-central-1.amazonaws.com/a.pem",
                          "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-.pem",
                          "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-a.pem?x=.pem",
                          "https://sns.eu-central-1.amazonaws.com/?Action=x&y=/SimpleNotificationService-a.pem",
                          "https://sns.eu-central-1.amazonaws.com/x/SimpleNotificationService-a.pem",
                          "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-a/../../x.pem",
                          "file:///etc/passwd",
                          "https://127.0.0.1/SimpleNotificationService-a.pem",
                          "https://sns.%65u.amazonaws.com/SimpleNotificationService-a.pem"}) {
    auto what = bounce();
    what.members["SigningCertURL"] = url;
    EXPECT_EQ(say(what).status, 403) << url;
  }
  EXPECT_THAT(fetched, IsEmpty());
}

TEST_F(webhook_test, without_a_certificate_sns_is_asked_to_come_again) {
  there.clear();
  EXPECT_EQ(say(bounce()).status, 503);
  there[certificate_url] = amazon().certificate();
  EXPECT_EQ(say(bounce()).status, 200);
  EXPECT_EQ(say(bounce()).status, 200);
  EXPECT_THAT(fetched, SizeIs(2)) << "it is kept";
}

TEST_F(webhook_test, what_is_no_message_is_told_so_and_other_types_are_nothing) {
  for (const auto* body : {"", "{}", "[]", "null", "{\"Type\":1}", "{\"Type\":\"Notification\"}"})
    EXPECT_EQ(judge_webhook(desk, body, noon).status, 400) << body;
  const auto got = judge_webhook(desk, R"({"Type":"News","TopicArn":")" + topic + "\"}", noon);
  EXPECT_EQ(got.status, 200);
  EXPECT_THAT(got.reports, IsEmpty());
  EXPECT_EQ(judge_webhook(desk, std::string(20'000, '['), noon).status, 400);
  auto what = bounce();
  what.members["SignatureVersion"] = "3";
  EXPECT_EQ(say(what).status, 403);
}

TEST_F(webhook_test, a_subscription_that_sns_asks_about_is_confirmed) {
  sns_draft asks;
  asks.members["Type"] = "SubscriptionConfirmation";
  asks.members["Token"] = "2336412f37";
  const std::string url = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=2336412f37";
  asks.members["SubscribeURL"] = url;
  EXPECT_EQ(say(asks).status, 503) << "SNS asks again";
  there[url] = "<ConfirmSubscriptionResponse/>";
  EXPECT_EQ(say(asks).status, 200);
  EXPECT_EQ(fetched.back(), url);
  EXPECT_EQ(desk.seen().subscription, "confirmed");

  fetched.clear();
  auto body = asks.written(amazon());
  body.replace(body.find("2336412f37"), 10, "2336412f38");
  EXPECT_EQ(judge_webhook(desk, body, noon).status, 403);
  asks.members["SubscribeURL"] = "https://evil.example/";
  EXPECT_EQ(say(asks).status, 403) << "though it is signed";
  EXPECT_THAT(fetched, IsEmpty());
}

TEST_F(webhook_test, the_end_of_a_subscription_is_told) {
  sns_draft ends;
  ends.members["Type"] = "UnsubscribeConfirmation";
  ends.members["Token"] = "x";
  ends.members["SubscribeURL"] = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription";
  const auto got = say(ends);
  EXPECT_EQ(got.status, 200);
  EXPECT_THAT(got.why, HasSubstr("not heard any more"));
  EXPECT_THAT(fetched, SizeIs(1)) << "the certificate alone: it is not subscribed again";
}

// ---- what SES says

TEST(ses_test, permanent_bounces_and_complaints_count_and_nothing_else) {
  EXPECT_THAT(read_ses(ses_bounce("a@x.example")), SizeIs(1));
  EXPECT_THAT(read_ses(ses_bounce("a@x.example", "Permanent", "eventType")), SizeIs(1));
  EXPECT_THAT(read_ses(ses_bounce("a@x.example", "Transient")), IsEmpty());
  EXPECT_THAT(read_ses(ses_bounce("a@x.example", "Undetermined")), IsEmpty());
  EXPECT_THAT(read_ses(ses_complaint("a@x.example")), SizeIs(1));
  EXPECT_EQ(read_ses(ses_complaint("a@x.example"))[0].kind, suppression_kind::complaint);
  EXPECT_THAT(read_ses(ses_complaint("a@x.example", "not-spam")), IsEmpty());
  for (const auto* other :
       {R"({"eventType":"Delivery","delivery":{"recipients":["a@x.example"]}})", R"({"notificationType":"Bounce"})",
        R"({"eventType":"Bounce","bounce":[]})", R"({"eventType":"Open"})", "Hello", "", "[]",
        R"({"eventType":"Bounce","bounce":{"bounceType":"Permanent","bouncedRecipients":[1,{"emailAddress":2}]}})",
        "Successfully validated SNS topic for Amazon SES event publishing."})
    EXPECT_THAT(read_ses(other), IsEmpty()) << other;
}

TEST(ses_test, an_address_is_read_with_a_name_around_it_and_what_is_none_is_left_out) {
  EXPECT_EQ(read_ses(ses_bounce("Ann <ann@x.example>")).at(0).recipient, "ann@x.example");
  for (const auto* no : {"", "ann", "<>", "ann@x.example\r\nBcc: b@x.example", "a b@x.example"})
    EXPECT_THAT(read_ses(ses_bounce(no)), IsEmpty()) << no;
}

TEST(ses_test, what_it_quotes_is_one_short_line) {
  auto text = ses_bounce("a@x.example");
  std::string loud = "x\\r\\ny\\u0000";
  for (int i = 0; i < 400; ++i)
    loud += "\u00e9";
  text.replace(text.find("smtp; "), 6, loud);
  const auto detail = read_ses(text).at(0).detail;
  EXPECT_LE(detail.size(), 300u);
  EXPECT_EQ(detail.find_first_of(std::string("\r\n\0", 3)), std::string::npos);
  EXPECT_NE(static_cast<unsigned char>(detail.back()), 0xc3) << "not cut in a character";
}

// ---- certificates that are kept

TEST(kept_certificates_test, eight_are_kept_and_the_least_used_makes_room) {
  kept_certificates kept;
  int fetches = 0;
  const auto fetch = [&](const std::string& url) {
    ++fetches;
    return expected<std::string>("of " + url);
  };
  auto now = kept_certificates::clock::time_point{1000s};
  for (int i = 0; i < 8; ++i)
    EXPECT_TRUE(kept.get(std::to_string(i), fetch, now));
  EXPECT_EQ(kept.get("0", fetch, now).value(), "of 0");
  EXPECT_EQ(fetches, 8);
  EXPECT_TRUE(kept.get("8", fetch, now));
  EXPECT_EQ(kept.size(), 8u);
  EXPECT_TRUE(kept.get("0", fetch, now));
  EXPECT_EQ(fetches, 9) << "0 was used later than 1";
  EXPECT_TRUE(kept.get("1", fetch, now));
  EXPECT_EQ(fetches, 10);
  EXPECT_TRUE(kept.get("1", fetch, now + 23h));
  EXPECT_EQ(fetches, 10);
  EXPECT_TRUE(kept.get("1", fetch, now + 24h));
  EXPECT_EQ(fetches, 11) << "a day later it is asked for anew";
}

TEST(kept_certificates_test, whoever_sends_urls_cannot_make_us_ask_for_ever) {
  kept_certificates kept;
  int fetches = 0;
  const auto fetch = [&](const std::string&) -> expected<std::string> {
    ++fetches;
    return fail(problem::kind::unavailable, "no");
  };
  const auto now = kept_certificates::clock::time_point{1000s};
  for (int i = 0; i < 50; ++i)
    EXPECT_FALSE(kept.get(std::to_string(i), fetch, now));
  EXPECT_EQ(fetches, 10);
  EXPECT_FALSE(kept.get("x", fetch, now + 1min));
  EXPECT_EQ(fetches, 11);
}

// ---- over the network

struct fetch_test : ::testing::Test {
  static inline std::filesystem::path folder;
  static inline std::unique_ptr<companion> host;
  static inline std::string base;
  std::atomic<bool> stop = false;

  static void SetUpTestSuite() {
    folder = std::filesystem::temp_directory_path() / ("lyceum-fetch-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
    const signer own("localhost");
    std::ofstream(folder / "cert.pem") << own.certificate();
    std::ofstream(folder / "key.pem") << own.key();
    host = std::make_unique<companion>(
        std::vector<std::string>{peer("https.py"), (folder / "cert.pem").string(), (folder / "key.pem").string()});
    const auto port = host->line();
    ASSERT_TRUE(port.has_value());
    base = "https://localhost:" + *port;
  }
  static void TearDownTestSuite() {
    host.reset();
    std::filesystem::remove_all(folder);
  }
  expected<std::string> get(const std::string& path, std::chrono::milliseconds all = 2500ms) {
    return fetch_https(base + path, {.all = all, .ca_file = (folder / "cert.pem").string()}, stop);
  }
};

TEST_F(fetch_test, what_a_known_host_answers_is_had) {
  EXPECT_EQ(get("/ok").value(), "hello");
}

TEST_F(fetch_test, a_host_that_nobody_vouches_for_is_not_believed) {
  EXPECT_FALSE(fetch_https(base + "/ok", {}, stop));
  auto other = base;
  other.replace(other.find("localhost"), 9, "127.0.0.1");
  EXPECT_FALSE(fetch_https(other + "/ok", {.ca_file = (folder / "cert.pem").string()}, stop)) << "another name";
}

TEST_F(fetch_test, redirections_other_answers_and_too_many_octets_are_refused) {
  EXPECT_THAT(get("/moved").error().detail, HasSubstr("302"));
  EXPECT_THAT(get("/missing").error().detail, HasSubstr("404"));
  EXPECT_FALSE(get("/big"));
  auto plain = base;
  plain.erase(4, 1);
  EXPECT_FALSE(fetch_https(plain + "/ok", {}, stop)) << "http";
  EXPECT_FALSE(fetch_https("file:///etc/hostname", {}, stop));
}

TEST_F(fetch_test, it_ends_in_its_time_and_when_it_is_told_to) {
  const auto before = std::chrono::steady_clock::now();
  EXPECT_FALSE(get("/slow", 500ms));
  EXPECT_LT(std::chrono::steady_clock::now() - before, 6s);
  std::thread teller([this] {
    std::this_thread::sleep_for(200ms);
    stop = true;
  });
  EXPECT_FALSE(get("/slow", 30s));
  teller.join();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 20s);
}

} // namespace
} // namespace lyceum
