// SPDX-License-Identifier: Apache-2.0
// A worker's round with everything real: rows on both engines, a mail host, SIGKILL.
#include "actors/mail_message.hpp"
#include "actors/smtp.hpp"
#include "storage/outbox.hpp"
#include "tests/actors/mail_host.hpp"
#include "tests/storage/engines.hpp"

#include <algorithm>
#include <csignal>
#include <gmock/gmock.h>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <thread>

#include <fcntl.h>

namespace lyceum::storage::test {
namespace {

namespace out = outbox;
using namespace std::chrono_literals;

/// A worker's try of one mail. `ahead`: how far its clock is from ours.
delivery send(db& on, smtp& over, const out::claimed_mail& held, std::chrono::seconds ahead) {
  const auto now = [ahead] { return now_utc() + ahead; };
  const auto text = compose({.from = {"School", "school@school.example"},
                             .to = {held.what.what.recipient_name, held.what.what.recipient},
                             .subject = "Your receipt",
                             .text = held.what.what.details,
                             .message_id = held.what.message_id,
                             .date = held.what.created_at});
  const smtp_letter letter{"school@school.example", held.what.what.recipient, text.value()};
  auto told = over.deliver(letter, {.before_text = [&] { return out::begin_data(on, held, now()).has_value(); },
                                    .tick = [&] { return out::heartbeat(on, held, now()).has_value(); }});
  std::ignore = out::settle(on, held, told, now(), 0.5);
  return told;
}

/// What it does until there is nothing to claim. After `briskly` mails it takes its time, so that whoever wants to kill it among its
/// mails need not hurry.
void work(db& on, smtp& over, std::chrono::seconds ahead, int briskly = std::numeric_limits<int>::max()) {
  for (;;) {
    const auto some = out::claim(on, {.holder = "worker", .count = 2}, now_utc() + ahead);
    if (some.empty())
      return;
    for (const auto& held : some) {
      send(on, over, held, ahead);
      if (briskly > 0)
        --briskly;
      else
        std::this_thread::sleep_for(100ms);
    }
  }
}

std::string message_id_of(const std::string& text) {
  const auto from = text.find("Message-ID: ") + 12;
  return text.substr(from, text.find("\r\n", from) - from);
}

class mail_round_test : public migrated_test {
protected:
  void SetUp() override {
    migrated_test::SetUp();
    if (IsSkipped())
      return;
    std::signal(SIGPIPE, SIG_IGN);
    std::filesystem::create_directories(folder_ / "host");
    host_ = std::make_unique<mail_host>("aiosmtpd", folder_ / "host", std::vector<std::string>{"--tls", "none"});
    if (host_->is_missing())
      GTEST_SKIP() << "aiosmtpd IS NOT INSTALLED: THE OUTBOX'S ROUND IS NOT TESTED";
    ASSERT_NE(host_->port(), 0);
  }
  void TearDown() override {
    host_.reset();
    migrated_test::TearDown();
  }
  std::unique_ptr<smtp> connection() {
    return smtp::make({.host = "127.0.0.1", .port = host_->port(), .tls = smtp_tls::none}).value();
  }
  void put(const std::string& recipient) {
    const mail_draft what{.recipient = recipient, .template_name = "receipt", .cause = "payment:1", .language = "en"};
    db_->transaction([&] { EXPECT_TRUE(out::put(*db_, what, "school.example", now_utc()).has_value()); });
  }
  mail shown(const std::string& recipient) { return out::list(*db_, {.recipient = recipient}).at(0); }
  std::vector<taken_mail> taken() { return mails_taken(folder_ / "host"); }

  std::unique_ptr<mail_host> host_;
};
ON_BOTH_ENGINES(mail_round_test);

TEST_P(mail_round_test, each_mail_ends_in_the_state_that_its_host_left_it_in) {
  for (const auto* one : {"ann", "unknown", "grey", "spam", "cut-before", "cut-after"})
    put(one + std::string("@example.com"));
  const auto over = connection();
  work(*db_, *over, 0s);
  const std::map<std::string, mail_state> expected{
      {"ann", mail_state::sent},    {"unknown", mail_state::failed},      {"grey", mail_state::deferred},
      {"spam", mail_state::failed}, {"cut-before", mail_state::deferred}, {"cut-after", mail_state::uncertain}};
  for (const auto& [name, state] : expected)
    EXPECT_EQ(shown(name + "@example.com").state, state) << name << ": " << shown(name + "@example.com").reason;
  EXPECT_TRUE(out::find_suppression(*db_, "unknown@example.com"));
  EXPECT_FALSE(out::find_suppression(*db_, "spam@example.com"));
  work(*db_, *over, 2min);
  EXPECT_EQ(shown("grey@example.com").state, mail_state::sent);
}

TEST_P(mail_round_test, a_worker_that_slept_through_its_lease_sends_nothing) {
  put("ann@example.com");
  const auto over = connection();
  const auto held = out::claim(*db_, {.holder = "sleeper"}, now_utc());
  ASSERT_EQ(held.size(), 1u);
  work(*db_, *connection(), 61s);
  EXPECT_EQ(send(*db_, *over, held[0], 61s).how, delivery::result::interrupted);
  EXPECT_EQ(shown("ann@example.com").state, mail_state::sent);
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(taken().size(), 1u);
}

TEST_P(mail_round_test, no_mail_is_lost_and_few_are_doubled_when_workers_are_killed_at_any_moment) {
  constexpr int mails = 120;
  for (int i = 0; i < mails; ++i)
    put("ann" + std::to_string(i) + "@example.com");
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  db_.reset(); // no connection is open on both sides of a fork
  int kills = 0;
  std::chrono::seconds ahead{0};
  for (int life = 0; life < 12; ++life) {
    int begun[2];
    ASSERT_EQ(::pipe2(begun, O_CLOEXEC), 0);
    const pid_t worker = ::fork();
    if (worker == 0) {
      try {
        const auto mine = connect();
        ::close(begun[0]);
        if (::write(begun[1], "", 1) != 1)
          ::_exit(1);
        work(*mine, *connection(), ahead, 20);
        ::_exit(0);
      } catch (...) {
        ::_exit(1);
      }
    }
    ::close(begun[1]);
    char word = 0;
    EXPECT_EQ(::read(begun[0], &word, 1), 1) << "it is connected";
    ::close(begun[0]);
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 40)); // among its first mails
    ::kill(worker, SIGKILL);
    int status = 0;
    ::waitpid(worker, &status, 0);
    kills += WIFSIGNALED(status) ? 1 : 0;
    EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    ahead += 61s; // what it held is an orphan to the next one
  }
  db_ = connect();
  work(*db_, *connection(), ahead);
  std::this_thread::sleep_for(100ms); // for the text that a killed worker had handed over

  std::map<std::string, std::set<std::string>> ids;
  for (const auto& one : taken())
    ids[one.to].insert(message_id_of(one.text));
  EXPECT_EQ(ids.size(), static_cast<std::size_t>(mails));
  for (const auto& [to, all] : ids)
    EXPECT_THAT(all, testing::ElementsAre(shown(to).message_id)) << to;
  EXPECT_LE(taken().size(), static_cast<std::size_t>(mails + kills));
  EXPECT_GT(kills, 0);
  const auto all = out::list(*db_, {.limit = out::list_max});
  EXPECT_TRUE(std::any_of(all.begin(), all.end(), [](const mail& one) { return one.orphaned > 0; }));
  const auto counted = out::counts(*db_);
  ASSERT_EQ(counted.size(), 1u);
  EXPECT_EQ(counted[0].state, mail_state::sent);
  EXPECT_EQ(counted[0].mails, mails);
}

} // namespace
} // namespace lyceum::storage::test
