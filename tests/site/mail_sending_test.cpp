// SPDX-License-Identifier: Apache-2.0
// Mail by the real program, to a real mail host, while things go wrong.
#include "tests/actors/mail_host.hpp"
#include "tests/site/visitors.hpp"

#include "storage/outbox.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace lyceum::testing {
namespace {

namespace out = storage::outbox;
using ::testing::HasSubstr;
using ::testing::Not;

std::string message_id_of(const std::string& text) {
  const auto from = text.find("Message-ID: ") + 12;
  return text.substr(from, text.find("\r\n", from) - from);
}

/// On SQLite, and on PostgreSQL where there is one.
struct mail_sending : ::testing::TestWithParam<bool> {
  const scratch place;
  std::string database;
  std::optional<mail_host> host;
  std::optional<server> school;
  std::unique_ptr<storage::db> db;

  void SetUp() override {
    if (!GetParam())
      return;
    database = fresh_postgres();
    if (database.empty())
      GTEST_SKIP() << "no PostgreSQL: tests/peers/postgres.sh run ctest … starts one";
  }

  void start_host(std::vector<std::string> options = {}) {
    fs::create_directories(place / "host");
    options.insert(options.begin(), {"--tls", "none"});
    host.emplace("aiosmtpd", place / "host", std::move(options));
    if (host->is_missing())
      GTEST_SKIP() << "aiosmtpd IS NOT INSTALLED: MAIL BY THE SITE IS NOT TESTED";
    ASSERT_NE(host->port(), 0);
  }

  /// The program whose mails need no templates. `port` 0: without a mail host.
  void start_school(int port, std::vector<std::string> arguments = {}, std::vector<std::string> environment = {}) {
    environment.emplace_back("LYCEUM_MAIL_FROM=School <school@school.example>");
    if (port != 0)
      environment.push_back("SMTP_URL=smtp://127.0.0.1:" + std::to_string(port));
    school.emplace(server::options{.content = sample_school(),
                                   .database = database,
                                   .arguments = std::move(arguments),
                                   .environment = std::move(environment),
                                   .data = place / "data",
                                   .faults = true});
    ASSERT_TRUE(school->ready()) << school->log();
    ASSERT_TRUE(eventually([&] { return school->get("/").status == 200; }, 10s));
    db = storage::open(database.empty() ? "sqlite:" + (place / "data/lyceum.db").string() : database,
                       storage::mode::writes);
  }

  id put(const std::string& recipient, const std::string& template_name = "receipt",
         mail_urgency urgency = mail_urgency::ordinary) {
    const mail_draft what{.recipient = recipient + "@example.com",
                          .template_name = template_name,
                          .cause = "payment:1",
                          .language = "en",
                          .details = R"({"for":")" + recipient + "\"}",
                          .urgency = urgency};
    return db->transaction([&] { return out::put(*db, what, "school.example", now_utc()); }).value().number;
  }
  mail shown(id number) { return out::find(*db, number).value(); }
  std::int64_t count(mail_state state) {
    std::int64_t mails = 0;
    for (const auto& one : out::counts(*db))
      mails += one.state == state ? one.mails : 0;
    return mails;
  }
  bool becomes(id number, mail_state state, std::chrono::milliseconds patience = 10s) {
    return eventually([&] { return shown(number).state == state; }, patience);
  }
  std::vector<taken_mail> taken() const { return mails_taken(place / "host"); }
  /// How often each was taken, by its recipient; and that all had one Message-ID.
  std::map<std::string, int> arrivals() {
    std::map<std::string, int> all;
    std::map<std::string, std::set<std::string>> ids;
    for (const auto& one : taken()) {
      ++all[one.to];
      ids[one.to].insert(message_id_of(one.text));
      EXPECT_EQ(ids[one.to].size(), 1u) << one.to;
    }
    return all;
  }
  std::string health() const {
    const auto told = school->ctl({"--json", "health"}); // for people, sentences are cut
    return told.out + told.err;
  }
};
INSTANTIATE_TEST_SUITE_P(engines, mail_sending, ::testing::Bool(),
                         [](const auto& one) { return one.param ? "postgresql" : "sqlite"; });

TEST_P(mail_sending, what_is_put_arrives_once_and_one_that_cannot_be_made_harms_no_other) {
  start_host();
  start_school(host->port());
  const auto bad = put("throws", "throws");
  const auto refused = put("refused", "refused");
  const auto good = put("ann");
  EXPECT_TRUE(becomes(good, mail_state::sent)) << shown(good).reason << school->log();
  EXPECT_TRUE(becomes(bad, mail_state::failed));
  EXPECT_TRUE(becomes(refused, mail_state::failed));
  EXPECT_EQ(shown(bad).reason, "cannot be made: thrown on purpose, in a mail");
  EXPECT_EQ(shown(refused).reason, "cannot be made: refused on purpose");
  const auto all = taken();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].from, "school@school.example");
  EXPECT_EQ(message_id_of(all[0].text), shown(good).message_id);
  EXPECT_THAT(all[0].text, HasSubstr("From: \"School\" <school@school.example>\r\n"));
  const auto tree = school->ctl({"tree", "mail"}).out;
  for (const auto* part : {"outbox", "smtp-1", "smtp-2"})
    EXPECT_THAT(tree, HasSubstr(part));
  EXPECT_THAT(school->log(), Not(HasSubstr("throws@example.com"))) << "logs hold no whole address";
  EXPECT_THAT(school->log(), HasSubstr("t…@example.com"));
  EXPECT_TRUE(eventually([&] { return school->ctl({"health"}).status == 0; })) << health();
}

TEST_P(mail_sending, what_hosts_say_is_kept_as_the_mails_own_state) {
  start_host();
  start_school(host->port());
  const auto unknown = put("unknown");
  const auto grey = put("grey");
  EXPECT_TRUE(becomes(unknown, mail_state::failed));
  EXPECT_TRUE(becomes(grey, mail_state::deferred));
  EXPECT_TRUE(out::find_suppression(*db, "unknown@example.com"));
  EXPECT_THAT(school->log(), Not(HasSubstr("unknown@example.com"))) << "hosts repeat addresses";
}

TEST_P(mail_sending, nothing_is_lost_and_little_is_doubled_while_workers_are_killed_all_the_time) {
  start_host();
  start_school(host->port());
  constexpr int mails = 150;
  for (int i = 0; i < mails; ++i)
    put("ann" + std::to_string(i));
  int kills = 0;
  const auto done = [&] { return count(mail_state::sent) == mails; };
  for (int i = 0; i < 25 && !done(); ++i) {
    const auto* path =
        std::array{"mail/smtp-1", "mail/smtp-2", "mail/outbox", "mail"}.at(static_cast<std::size_t>(i % 4));
    const auto got = school->ctl({"kill", path});
    EXPECT_EQ(got.status, 0) << got.err;
    ++kills;
    std::this_thread::sleep_for(200ms);
  }
  EXPECT_TRUE(eventually(done, 90s)) << count(mail_state::queued) << " queued, " << count(mail_state::sending)
                                     << " being sent\n"
                                     << school->log();
  const auto seen = arrivals();
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(mails));
  EXPECT_LE(taken().size(), static_cast<std::size_t>(mails + 2 * kills));
  RecordProperty("doubled", static_cast<int>(taken().size()) - mails);
  EXPECT_EQ(school->get("/").status, 200);
}

TEST_P(mail_sending, a_host_that_is_away_costs_few_tries_and_comes_back_by_itself) {
  start_host();
  const int port = host->port();
  host.reset();
  start_school(port);
  std::vector<id> all;
  for (int i = 0; i < 40; ++i)
    all.push_back(put("ann" + std::to_string(i)));
  ASSERT_TRUE(eventually([&] { return health().find("cannot be connected to") != std::string::npos; })) << health();
  ASSERT_TRUE(
      eventually([&] { return health().find("mails wait, sign-in by password goes on") != std::string::npos; }, 10s))
      << health();
  EXPECT_THAT(health(), HasSubstr("127.0.0.1:" + std::to_string(port)));
  EXPECT_THAT(school->ctl({"inspect", "mail/smtp-1"}).out, HasSubstr("waits for the mail host"));
  std::this_thread::sleep_for(2s);
  int tries = 0;
  for (const auto one : all)
    tries += shown(one).tries;
  EXPECT_LE(tries, 8) << "not each of them waits for a dead host";
  EXPECT_EQ(school->get("/courses").status, 200);
  start_host({"--port", std::to_string(port)});
  // Those that were tried wait for a minute; the others go as soon as one has found the host.
  EXPECT_TRUE(eventually([&] { return count(mail_state::sent) >= 40 - tries; }, 40s)) << health();
  EXPECT_TRUE(eventually([&] { return health().find("cannot be connected to") == std::string::npos; })) << health();
  EXPECT_THAT(school->log(), HasSubstr("mail goes again"));
  EXPECT_EQ(school->ctl({"tree"}).out.find("degraded"), std::string::npos) << "an outage is no crash";
}

TEST_P(mail_sending, a_host_that_says_nothing_slows_no_page_and_no_restart) {
  start_host({"--greeting-after", "3600"});
  start_school(host->port());
  for (int i = 0; i < 10; ++i)
    put("ann" + std::to_string(i));
  ASSERT_TRUE(eventually([&] { return count(mail_state::sending) == 2; }));
  visitors people({.port = school->port(), .paths = {"/", "/courses"}, .rate = 100});
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(school->ctl({"kill", "mail/smtp-1"}).status, 0);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
  EXPECT_TRUE(eventually([&] { return count(mail_state::sending) <= 2; }));
  std::this_thread::sleep_for(1s);
  const auto seen = people.leave();
  EXPECT_EQ(seen.failed, 0u) << seen.text();
  EXPECT_GT(seen.good, 50u);
  const auto stopped_at = std::chrono::steady_clock::now();
  EXPECT_EQ(school->stop(), 0) << school->log();
  EXPECT_LT(std::chrono::steady_clock::now() - stopped_at, 8s);
  EXPECT_EQ(count(mail_state::sending), 0) << "what was under way went back into the outbox";
  EXPECT_TRUE(taken().empty());
}

TEST_P(mail_sending, an_upgrade_doubles_no_mail_and_loses_none) {
  start_host();
  start_school(host->port());
  constexpr int mails = 120;
  std::thread cause([&] {
    const auto mine = storage::open(database.empty() ? "sqlite:" + (place / "data/lyceum.db").string() : database,
                                    storage::mode::writes);
    for (int i = 0; i < mails; ++i) {
      const mail_draft what{.recipient = "ann" + std::to_string(i) + "@example.com",
                            .template_name = "receipt",
                            .cause = "payment:1",
                            .language = "en"};
      mine->transaction([&] { std::ignore = out::put(*mine, what, "school.example", now_utc()).value(); });
      std::this_thread::sleep_for(20ms);
    }
  });
  std::error_code failed;
  const auto program = fs::read_symlink("/proc/" + std::to_string(school->process()) + "/exe", failed);
  for (int i = 0; i < 2; ++i) {
    const auto done = school->ctl({"upgrade", program.string()});
    EXPECT_EQ(done.status, 0) << done.err << school->log();
  }
  cause.join();
  EXPECT_TRUE(eventually([&] { return count(mail_state::sent) == mails; }, 90s)) << school->log();
  const auto seen = arrivals();
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(mails));
  EXPECT_EQ(taken().size(), static_cast<std::size_t>(mails)) << "a hand-over fences what is under way";
}

TEST_P(mail_sending, without_a_host_a_public_site_holds_its_mail_and_says_so) {
  start_school(0, {"--base-url", "https://school.example"});
  const auto one = put("ann");
  ASSERT_TRUE(becomes(one, mail_state::deferred)) << school->log();
  EXPECT_THAT(shown(one).reason, HasSubstr("smtp_url"));
  EXPECT_EQ(shown(one).tries, 0) << "a setting is not the mail's fault";
  EXPECT_TRUE(eventually([&] { return health().find("no mail host is set") != std::string::npos; })) << health();
}

TEST_P(mail_sending, without_a_host_on_this_machine_it_is_kept_to_be_looked_at) {
  start_school(0);
  const auto one = put("ann");
  ASSERT_TRUE(becomes(one, mail_state::sent)) << school->log();
  EXPECT_EQ(shown(one).reason, "kept in the development mailbox");
  EXPECT_THAT(school->log(), HasSubstr("no mail leaves this machine"));
}

TEST_P(mail_sending, a_developer_reads_what_was_kept_follows_its_link_and_clears_it) {
  start_school(0);
  EXPECT_THAT(school->get("/dev/mailbox").body, HasSubstr("No mail yet"));
  const auto one = put("ann");
  const auto two = put("eve");
  ASSERT_TRUE(becomes(one, mail_state::sent) && becomes(two, mail_state::sent));
  const auto box = school->get("/dev/mailbox");
  ASSERT_EQ(box.status, 200) << box.head;
  EXPECT_EQ(box.field("Refresh"), "3") << "it looks again without a script";
  EXPECT_EQ(box.field("Content-Type"), "text/html; charset=utf-8");
  const auto at = [&](id number) { return "/dev/mailbox/" + std::to_string(number); };
  EXPECT_THAT(box.body, HasSubstr("href=\"" + at(one) + "\""));
  EXPECT_THAT(box.body, HasSubstr("to eve@example.com"));
  const auto page = school->get(at(one));
  ASSERT_EQ(page.status, 200);
  EXPECT_THAT(page.body, HasSubstr("<a href=\"http://localhost/courses\">"));
  EXPECT_THAT(page.body, HasSubstr("<iframe src=\"" + at(one) + "/html\""));
  EXPECT_THAT(page.body, HasSubstr("Message-ID: " + std::string("&lt;")));
  EXPECT_THAT(page.field("Content-Security-Policy"), HasSubstr("frame-src 'self'"));
  const auto html = school->get(at(one) + "/html");
  EXPECT_THAT(html.body, HasSubstr("<p>Hello <a href"));
  EXPECT_THAT(html.field("Content-Security-Policy"), HasSubstr("sandbox"));
  EXPECT_THAT(html.field("Content-Security-Policy"), Not(HasSubstr("script-src")));

  for (const auto* away :
       {"/dev/mailbox/1", "/dev/mailbox/x", "/dev/mailbox/1/html", "/dev/mailbox/99999999999999999999"})
    EXPECT_EQ(school->get(away).status, 404) << away;
  for (const auto& path : {std::string("/dev/mailbox"), at(one), at(one) + "/html"}) {
    EXPECT_EQ(school->get(path, {"X-Forwarded-For: 192.0.2.7"}).status, 404) << "somebody behind a proxy";
    client stranger(school->port());
    EXPECT_EQ(stranger.ask("GET " + path + " HTTP/1.1\r\nHost: school.example\r\n\r\n").status, 404);
  }

  const auto post = [&](const std::string& more) {
    client somebody(school->port());
    const auto here = "127.0.0.1:" + std::to_string(school->port());
    return somebody.ask("POST /dev/mailbox/clearing HTTP/1.1\r\nHost: " + here + "\r\n" + more +
                        "Content-Length: 0\r\n\r\n");
  };
  EXPECT_EQ(post("Origin: http://127.0.0.1:1\r\n").status, 403) << "another site of this machine";
  EXPECT_EQ(post("Sec-Fetch-Site: cross-site\r\n").status, 403);
  EXPECT_EQ(school->get(at(one)).status, 200);
  EXPECT_EQ(post("").status, 303);
  EXPECT_EQ(school->get(at(one)).status, 404);
}

TEST_P(mail_sending, there_is_no_such_mailbox_where_mail_is_sent_or_held) {
  start_host();
  start_school(host->port());
  EXPECT_EQ(school->get("/dev/mailbox").status, 404);
  school.reset();
  start_school(0, {"--base-url", "https://school.example"});
  EXPECT_EQ(school->get("/dev/mailbox").status, 404);
}

TEST_P(mail_sending, what_is_paused_waits_until_it_is_resumed_and_the_rest_goes_on) {
  start_host();
  start_school(host->port());
  ASSERT_EQ(school->ctl({"mail", "pause", "newsletter"}).status, 0);
  const auto held = put("ann", "newsletter");
  const auto other = put("ann");
  EXPECT_TRUE(becomes(other, mail_state::sent));
  std::this_thread::sleep_for(1500ms);
  EXPECT_EQ(shown(held).state, mail_state::queued);
  EXPECT_THAT(school->ctl({"mail"}).out, HasSubstr("newsletter"));
  ASSERT_EQ(school->ctl({"mail", "pause"}).status, 0);
  ASSERT_EQ(school->ctl({"mail", "resume", "newsletter"}).status, 0);
  std::this_thread::sleep_for(1500ms);
  EXPECT_EQ(shown(held).state, mail_state::queued) << "all mail is paused as well";
  ASSERT_EQ(school->ctl({"mail", "resume"}).status, 0);
  EXPECT_TRUE(becomes(held, mail_state::sent));
  const auto twice = school->ctl({"mail", "resume"});
  EXPECT_EQ(twice.status, 1);
  EXPECT_THAT(twice.err, HasSubstr("not paused"));
}

TEST_P(mail_sending, operators_see_retry_and_drop_mails) {
  start_host();
  start_school(host->port());
  const auto full = put("full");
  const auto spam = put("spam");
  const auto ann = put("ann");
  ASSERT_TRUE(becomes(full, mail_state::deferred) && becomes(spam, mail_state::failed) &&
              becomes(ann, mail_state::sent));
  const auto number = [](id one) { return std::to_string(one); };

  const auto failed = school->ctl({"mail", "list", "--state", "failed"}).out;
  EXPECT_THAT(failed, HasSubstr("spam@example.com"));
  EXPECT_THAT(failed, Not(HasSubstr("full@example.com")));
  EXPECT_THAT(school->ctl({"mail", "list", "--to=ann@example.com"}).out, HasSubstr(number(ann)));
  EXPECT_EQ(school->ctl({"mail", "list", "--before", number(std::min({full, spam, ann}))}).out, "nothing\n");
  const auto page = school->ctl({"--json", "mail", "list", "--limit", "2"}).out;
  EXPECT_EQ(std::count(page.begin(), page.end(), '{'), 2) << page;

  const auto one = school->ctl({"mail", "show", number(full)}).out;
  EXPECT_THAT(one, HasSubstr("452 4.2.2 mailbox full"));
  EXPECT_THAT(one, Not(HasSubstr("\"for\""))) << "what it says is not shown";

  EXPECT_EQ(school->ctl({"mail", "retry", number(ann)}).status, 1) << "it was sent";
  ASSERT_EQ(school->ctl({"mail", "retry", number(full)}).status, 0);
  EXPECT_TRUE(eventually([&] { return shown(full).state == mail_state::deferred && shown(full).tries == 1; }));
  ASSERT_EQ(school->ctl({"mail", "retry", "--failed", "receipt"}).status, 0);
  EXPECT_TRUE(eventually([&] { return shown(spam).state == mail_state::failed && !shown(spam).reason.empty(); }));

  EXPECT_EQ(school->ctl({"mail", "drop", number(full)}).status, 2) << "not without --yes";
  EXPECT_EQ(shown(full).state, mail_state::deferred);
  ASSERT_EQ(school->ctl({"mail", "drop", "--yes", number(full)}).status, 0);
  EXPECT_EQ(shown(full).state, mail_state::failed);
  EXPECT_EQ(school->ctl({"mail", "retry", number(full)}).status, 1) << "what it said is gone";
  EXPECT_EQ(school->ctl({"mail", "show", "1"}).status, 1);

  ASSERT_EQ(school->ctl({"mail", "suppressed", "add", "Eve@example.com"}).status, 0);
  EXPECT_THAT(school->ctl({"mail", "suppressed", "list"}).out, HasSubstr("eve@example.com"));
  EXPECT_EQ(shown(put("eve")).state, mail_state::suppressed);
  ASSERT_EQ(school->ctl({"mail", "suppressed", "remove", "eve@example.com"}).status, 0);
  EXPECT_EQ(school->ctl({"mail", "suppressed", "remove", "eve@example.com"}).status, 1);

  const auto audit = school->ctl({"audit", "50"}).out;
  EXPECT_THAT(audit, HasSubstr("drop " + number(full)));
  EXPECT_THAT(audit, HasSubstr("list --state failed")) << "who looked at whose mail is known";
}

TEST_P(mail_sending, figures_tell_what_waits_and_how_deliveries_end) {
  start_host();
  start_school(host->port());
  put("ann");
  put("spam");
  put("full");
  const auto figure = [&](const char* name) { return school->metric(name).value_or(-1); };
  EXPECT_TRUE(eventually([&] { return figure("lyceum_mail_deliveries_total{result=\"sent\"}") == 1; }));
  EXPECT_TRUE(eventually([&] { return figure("lyceum_mail_deliveries_total{result=\"refused\"}") == 1; }));
  EXPECT_TRUE(eventually([&] { return figure("lyceum_mail_delivery_duration_seconds_count") == 3; }));
  EXPECT_TRUE(eventually([&] { return figure("lyceum_mails{template=\"receipt\",state=\"deferred\"}") == 1; },
                         10s)); // counted each 5 s
  EXPECT_EQ(figure("lyceum_mails{template=\"receipt\",state=\"sent\"}"), 1);
  EXPECT_GT(figure("lyceum_mail_oldest_waiting_seconds"), 0);
  EXPECT_EQ(figure("lyceum_mail_delivering"), 1);
}

/// Takes POSTs on a free port of loopback; answers the first with 500, the others with 204.
class webhook {
public:
  webhook() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&at), size) != 0 || ::listen(fd_, 8) != 0 ||
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size) != 0)
      throw std::runtime_error("no port left");
    port_ = ntohs(at.sin_port);
    thread_ = std::thread([this] {
      for (int one = 0; (one = ::accept(fd_, nullptr, nullptr)) >= 0; ::close(one))
        take(one);
    });
  }
  ~webhook() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  webhook(const webhook&) = delete;
  webhook& operator=(const webhook&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/hook"; }
  std::vector<std::string> posts() const {
    const std::lock_guard lock(guard_);
    return posts_;
  }

private:
  void take(int one) {
    std::string all;
    char bytes[4096];
    for (ssize_t n = 0; all.empty() || all.back() != '}';) {
      if ((n = ::recv(one, bytes, sizeof bytes, 0)) <= 0)
        return;
      all.append(bytes, static_cast<std::size_t>(n));
    }
    bool first = false;
    {
      const std::lock_guard lock(guard_);
      first = posts_.empty();
      posts_.push_back(all);
    }
    const std::string answer =
        first ? "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n" : "HTTP/1.1 204 Fine\r\nContent-Length: 0\r\n\r\n";
    std::ignore = ::send(one, answer.data(), answer.size(), MSG_NOSIGNAL);
  }

  int fd_;
  int port_ = 0;
  mutable std::mutex guard_;
  std::vector<std::string> posts_;
  std::thread thread_;
};

TEST_P(mail_sending, a_mail_that_is_late_raises_an_alert_once_and_resolves_it) {
  webhook hook;
  start_host();
  start_school(host->port(), {}, {"LYCEUM_ALERT_WEBHOOK=" + hook.url()});
  ASSERT_EQ(school->ctl({"mail", "pause"}).status, 0);
  const mail_draft what{
      .recipient = "ann@example.com", .template_name = "receipt", .cause = "payment:1", .language = "en"};
  db->transaction([&] { std::ignore = out::put(*db, what, "school.example", now_utc() - 21min).value(); });
  ASSERT_TRUE(eventually([&] { return hook.posts().size() == 2; }, 15s)) << school->log(); // the first was answered 500
  const auto raised = hook.posts().at(1);
  EXPECT_THAT(raised, HasSubstr("Content-Type: application/json"));
  EXPECT_THAT(raised, HasSubstr(R"("alert":"mail_late","state":"raised")"));
  EXPECT_THAT(raised, HasSubstr("the oldest mail waits since"));
  EXPECT_THAT(raised, HasSubstr("all mail is paused"));
  EXPECT_THAT(raised, Not(HasSubstr("ann@example.com")));
  EXPECT_THAT(health(), HasSubstr("(21 min)"));
  EXPECT_THAT(school->log(), HasSubstr("mail is late: the oldest mail waits since"));
  EXPECT_THAT(school->log(), Not(HasSubstr("/hook"))) << "its path may be a password";
  EXPECT_EQ(school->ctl({"kill", "mail"}).status, 0);
  std::this_thread::sleep_for(6s);
  EXPECT_EQ(hook.posts().size(), 2u) << "it is told once, whoever is killed";
  ASSERT_EQ(school->ctl({"mail", "resume"}).status, 0);
  ASSERT_TRUE(eventually([&] { return hook.posts().size() == 3; }, 15s)) << school->log();
  EXPECT_THAT(hook.posts().at(2), HasSubstr(R"("alert":"mail_late","state":"resolved")"));
  EXPECT_TRUE(eventually([&] { return school->ctl({"health"}).status == 0; })) << health();
}

} // namespace
} // namespace lyceum::testing
