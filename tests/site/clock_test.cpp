// SPDX-License-Identifier: Apache-2.0
// What the server does by itself, now and then.
#include "tests/site/visitors.hpp"

#include "storage/accounts.hpp"
#include "storage/grants.hpp"
#include "storage/outbox.hpp"
#include "storage/sessions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace lyceum::testing {
namespace {

namespace out = storage::outbox;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// On SQLite, and on PostgreSQL where there is one.
struct clock_site : ::testing::TestWithParam<bool> {
  const scratch place;
  std::optional<server> school;
  std::unique_ptr<storage::db> db;

  void start(std::vector<std::string> environment = {}) {
    std::string database;
    if (GetParam() && (database = fresh_postgres()).empty())
      GTEST_SKIP() << "no PostgreSQL: tests/peers/postgres.sh run ctest … starts one";
    school.emplace(server::options{.content = sample_school(),
                                   .database = database,
                                   .environment = std::move(environment),
                                   .data = place / "data"});
    ASSERT_TRUE(school->ready()) << school->log();
    ASSERT_TRUE(eventually([&] { return inspected().find("watches") != std::string::npos; }, 20s)) << inspected();
    // One that still waits for its first run would do what a test puts there for the next one.
    for (const auto* task : {"sign_ins", "sessions", "limits", "grants"})
      ASSERT_TRUE(eventually([&] { return runs(task) >= 1; }, 30s)) << task << ": " << inspected();
    db = storage::open(database.empty() ? "sqlite:" + (place / "data/lyceum.db").string() : database,
                       storage::mode::writes);
  }
  std::string inspected() const { return school->ctl({"--json", "inspect", "clock/scheduler"}).out; }
  /// One that found no worker of the database in time has failed, and is tried again after 10 s.
  bool tells(const std::string& words) const {
    return eventually([&] { return inspected().find(words) != std::string::npos; }, 30s);
  }
  /// Of the scheduler that lives now.
  double runs(const std::string& task) const {
    return school->metric("lyceum_clock_runs_total{task=\"" + task + "\"}").value_or(0);
  }
  /// The successor begins with every task.
  void run_all_tasks() { ASSERT_EQ(school->ctl({"kill", "clock/scheduler"}).status, 0); }
  std::vector<mail> mails(std::string_view template_name) {
    return out::list(*db, {.template_name = template_name, .limit = 100});
  }
  bool come(std::string_view template_name, std::size_t count, std::chrono::milliseconds patience = 30s) {
    return eventually([&] { return mails(template_name).size() == count; }, patience);
  }
  bool all_sent(std::string_view template_name) {
    return eventually(
        [&] {
          const auto all = mails(template_name);
          return std::ranges::all_of(all, [](const mail& one) { return one.state == mail_state::sent; });
        },
        30s);
  }
};
INSTANTIATE_TEST_SUITE_P(engines, clock_site, ::testing::Bool(),
                         [](const auto& one) { return one.param ? "postgresql" : "sqlite"; });

TEST_P(clock_site, whose_grant_has_ended_gets_one_mail) {
  ASSERT_NO_FATAL_FAILURE(start());
  if (!db)
    return;
  const auto now = now_utc();
  const auto ann = storage::accounts::make(*db, {"ann@example.com", "Ann", account_role::learner, "de"}, "test", now);
  ASSERT_TRUE(ann);
  const auto over = storage::grants::give(*db, {ann->account_id, "pro", "gift", "", now - 2h, now - 1h}, "test", now);
  ASSERT_TRUE(over);
  ASSERT_TRUE(storage::grants::give(*db, {ann->account_id, "talks", "gift", "", now - 2h, now + 1h}, "test", now));
  const auto ben = storage::accounts::make(*db, {"ben@example.com"}, "test", now); // has it by another grant, too
  ASSERT_TRUE(storage::grants::give(*db, {ben->account_id, "pro", "gift", "", now - 2h, now - 1h}, "test", now));
  ASSERT_TRUE(storage::grants::give(*db, {ben->account_id, "pro", "paypal", "", now - 2h, {}}, "test", now));
  ASSERT_NO_FATAL_FAILURE(run_all_tasks());
  ASSERT_TRUE(come("grant_ended", 1)) << inspected();
  const auto told = mails("grant_ended").front();
  EXPECT_EQ(told.what.recipient, "ann@example.com");
  EXPECT_EQ(told.what.language, "de");
  EXPECT_EQ(told.what.cause, "grant_ended:" + std::to_string(over->grant_id));
  EXPECT_TRUE(all_sent("grant_ended")) << mails("grant_ended").front().reason;
  ASSERT_NO_FATAL_FAILURE(run_all_tasks());
  ASSERT_TRUE(tells("0 ended")) << inspected();
  EXPECT_EQ(mails("grant_ended").size(), 1u) << "nothing has ended for ben";
  EXPECT_EQ(storage::accounts::list_events(*db, ben->account_id, 1).front().action, "grant_ended");
}

TEST_P(clock_site, what_is_past_its_time_is_removed) {
  ASSERT_NO_FATAL_FAILURE(start());
  if (!db)
    return;
  const auto then = now_utc() - std::chrono::days(400);
  const auto ann = storage::accounts::make(*db, {"ann@example.com"}, "test", then);
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(storage::sessions::open(
        *db, {ann->account_id, ann->sign_in_epoch, std::string(63, 'a') + std::to_string(i), false, "", ""}, then));
  ASSERT_NO_FATAL_FAILURE(run_all_tasks());
  EXPECT_TRUE(tells("3 removed")) << inspected();
}

TEST_P(clock_site, operators_hear_each_day_that_all_is_well_once) {
  ASSERT_NO_FATAL_FAILURE(start({"LYCEUM_ALERT_ADDRESS=operators@example.com"}));
  if (!db)
    return;
  ASSERT_TRUE(come("all_well", 1)) << inspected();
  const auto told = mails("all_well").front();
  EXPECT_EQ(told.what.recipient, "operators@example.com");
  EXPECT_THAT(told.what.cause, StartsWith("all_well:20"));
  EXPECT_TRUE(all_sent("all_well")) << mails("all_well").front().reason;
  ASSERT_NO_FATAL_FAILURE(run_all_tasks());
  ASSERT_TRUE(tells("there was one for today")) << inspected();
  school->stop();
  school->start();
  ASSERT_TRUE(school->ready());
  ASSERT_TRUE(tells("there was one for today")) << inspected();
  EXPECT_EQ(mails("all_well").size(), 1u);
}

TEST_P(clock_site, operators_get_one_mail_for_each_part_that_is_degraded) {
  ASSERT_NO_FATAL_FAILURE(start({"LYCEUM_ALERT_ADDRESS=operators@example.com"}));
  if (!db)
    return;
  ASSERT_EQ(school->ctl({"degrade", "rendering"}).status, 0);
  ASSERT_TRUE(come("alert", 1, 30s)) << inspected();
  EXPECT_THAT(mails("alert").front().what.cause, StartsWith("alert:degraded:rendering:"));
  ASSERT_NO_FATAL_FAILURE(run_all_tasks());
  ASSERT_EQ(school->ctl({"degrade", "cache"}).status, 0);
  ASSERT_TRUE(come("alert", 2, 30s));
  EXPECT_THAT(mails("alert").front().what.cause, StartsWith("alert:degraded:cache:"));
  EXPECT_TRUE(all_sent("alert")) << mails("alert").front().reason;
}

TEST_P(clock_site, without_an_address_nobody_is_written_to) {
  ASSERT_NO_FATAL_FAILURE(start());
  if (!db)
    return;
  ASSERT_EQ(school->ctl({"degrade", "rendering"}).status, 0);
  ASSERT_NO_FATAL_FAILURE(run_all_tasks());
  EXPECT_TRUE(tells("nothing to do")) << inspected();
  EXPECT_TRUE(mails("alert").empty());
  EXPECT_TRUE(mails("all_well").empty());
  EXPECT_THAT(inspected(), Not(HasSubstr("all_well")));
}

TEST_P(clock_site, each_task_tells_how_it_went) {
  ASSERT_NO_FATAL_FAILURE(start());
  if (!db)
    return;
  for (const auto* task : {"sign_ins", "sessions", "limits", "grants", "alerts", "alert_mails"}) {
    EXPECT_THAT(inspected(), HasSubstr(task));
    EXPECT_TRUE(eventually(
        [&] { // a busy machine may have one fail, but not each
          const auto all = runs(task);
          const auto failures = school->metric("lyceum_clock_failures_total{task=\"" + std::string(task) + "\"}");
          return failures && all > *failures;
        },
        30s))
        << task << ": " << inspected();
  }
}

} // namespace
} // namespace lyceum::testing
