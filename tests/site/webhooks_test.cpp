// SPDX-License-Identifier: Apache-2.0
// What SES says of mails, posted to the real program.
#include "tests/actors/sns_signer.hpp"
#include "tests/site/visitors.hpp"

#include "storage/outbox.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace lyceum::testing {
namespace {

namespace out = storage::outbox;
using ::testing::HasSubstr;

const std::string topic = "arn:aws:sns:eu-central-1:123456789012:bounces";

/// On SQLite, and on PostgreSQL where there is one.
struct webhooks : ::testing::TestWithParam<bool> {
  const scratch place;
  const signer amazon{"sns.amazonaws.com"};
  std::optional<server> school;
  std::unique_ptr<storage::db> db;

  void SetUp() override {
    std::string database;
    if (GetParam() && (database = fresh_postgres()).empty())
      GTEST_SKIP() << "no PostgreSQL: tests/peers/postgres.sh run ctest … starts one";
    write_file(place / "amazon.pem", amazon.certificate());
    school.emplace(server::options{.content = sample_school(),
                                   .database = database,
                                   .environment = {"LYCEUM_MAIL_SNS_TOPIC=" + topic,
                                                   "FAULTS_WEBHOOK_CERTIFICATE=" + (place / "amazon.pem").string()},
                                   .data = place / "data",
                                   .faults = true});
    ASSERT_TRUE(school->ready()) << school->log();
    ASSERT_TRUE(eventually([&] { return school->get("/").status == 200; }, 10s));
    db = storage::open(database.empty() ? "sqlite:" + (place / "data/lyceum.db").string() : database,
                       storage::mode::writes);
  }
  static sns_draft now_saying(const std::string& message) {
    sns_draft made;
    made.members["TopicArn"] = topic;
    made.members["Message"] = message;
    made.members["Timestamp"] =
        fmt::format("{:%Y-%m-%dT%H:%M:%S}.000Z", std::chrono::floor<std::chrono::seconds>(now_utc()));
    return made;
  }
  answer post(const std::string& body) const {
    return client(school->port())
        .ask("POST /webhooks/mail HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain; charset=UTF-8\r\n"
             "Content-Length: " +
             std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  answer say(const std::string& message) const { return post(now_saying(message).written(amazon)); }
  std::optional<suppression> found(std::string_view address) { return out::find_suppression(*db, address); }
};
INSTANTIATE_TEST_SUITE_P(engines, webhooks, ::testing::Bool(),
                         [](const auto& one) { return one.param ? "postgresql" : "sqlite"; });

TEST_P(webhooks, who_is_gone_and_who_complains_gets_no_mail_from_the_moment_of_the_answer) {
  EXPECT_EQ(say(ses_bounce("gone@example.com")).status, 200);
  ASSERT_TRUE(found("gone@example.com")) << "it was written before it was answered";
  EXPECT_EQ(found("gone@example.com")->kind, suppression_kind::bounce);
  EXPECT_THAT(found("gone@example.com")->detail, HasSubstr("550 5.1.1"));
  EXPECT_EQ(say(ses_complaint("cross@example.com")).status, 200);
  ASSERT_TRUE(found("cross@example.com"));
  EXPECT_EQ(found("cross@example.com")->kind, suppression_kind::complaint);

  const auto before = *found("gone@example.com");
  EXPECT_EQ(say(ses_bounce("gone@example.com")).status, 200) << "SNS says things twice";
  EXPECT_EQ(found("gone@example.com")->created_at, before.created_at);
  EXPECT_EQ(say(ses_bounce("full@example.com", "Transient")).status, 200);
  EXPECT_FALSE(found("full@example.com"));
  EXPECT_THAT(school->ctl({"--json", "inspect", "mail/feedback"}).out, HasSubstr("suppressed"));
}

TEST_P(webhooks, what_is_not_signed_by_sns_changes_nothing) {
  const signer mallory("sns.amazonaws.com");
  EXPECT_EQ(post(now_saying(ses_bounce("ann@example.com")).written(mallory)).status, 403);
  auto other = now_saying(ses_bounce("ann@example.com"));
  other.members["TopicArn"] = topic + "2";
  EXPECT_EQ(post(other.written(amazon)).status, 403);
  auto old = now_saying(ses_bounce("ann@example.com"));
  old.members["Timestamp"] = "2025-01-01T12:00:00.000Z";
  EXPECT_EQ(post(old.written(amazon)).status, 403);
  EXPECT_EQ(post("{}").status, 400);
  EXPECT_EQ(post(std::string(600'000, 'x')).status, 413);
  EXPECT_EQ(school->get("/webhooks/mail").status, 405);
  EXPECT_FALSE(found("ann@example.com"));
  EXPECT_EQ(post(now_saying(ses_bounce("ann@example.com")).written(amazon)).status, 200);
  EXPECT_TRUE(found("ann@example.com"));
}

TEST_P(webhooks, a_whole_message_of_sns_fits) {
  auto message = ses_bounce("gone@example.com");
  message.insert(message.size() - 1, ",\"padding\":\"" + std::string(250'000, 'x') + "\"");
  EXPECT_EQ(say(message).status, 200);
  EXPECT_TRUE(found("gone@example.com"));
}

TEST_P(webhooks, while_it_cannot_be_written_down_sns_is_asked_to_come_again) {
  ASSERT_EQ(school->ctl({"stop", "storage"}).status, 0);
  const auto got = say(ses_bounce("gone@example.com"));
  EXPECT_EQ(got.status, 503);
  EXPECT_FALSE(got.field("Retry-After").empty());
  ASSERT_EQ(school->ctl({"start", "storage"}).status, 0);
  EXPECT_TRUE(eventually([&] { return say(ses_bounce("gone@example.com")).status == 200; }));
  EXPECT_TRUE(found("gone@example.com"));
  ASSERT_EQ(school->ctl({"stop", "mail/feedback"}).status, 0);
  EXPECT_EQ(say(ses_bounce("other@example.com")).status, 503);
  EXPECT_FALSE(found("other@example.com"));
}

TEST(webhooks_off, without_a_topic_there_is_no_webhook) {
  server school{{.content = sample_school()}};
  ASSERT_TRUE(school.ready()) << school.log();
  const auto got =
      client(school.port()).ask("POST /webhooks/mail HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}");
  EXPECT_EQ(got.status, 404);
}

} // namespace
} // namespace lyceum::testing
