// SPDX-License-Identifier: Apache-2.0
#include "engines.hpp"

#include "storage/digest.hpp"

#include <future>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace lyceum::storage::test {
namespace {

using namespace std::chrono_literals;

constexpr query make_things{
    "test.make_things", "CREATE TABLE things (id BIGINT PRIMARY KEY, word TEXT, ratio DOUBLE PRECISION, yes BOOLEAN, "
                        "at BIGINT, UNIQUE (word))"};
constexpr query put_thing{"test.put_thing",
                          "INSERT INTO things (id, word, ratio, yes, at) VALUES ($1, $2, $3, $4, $5)"};
constexpr query all_things{"test.all_things", "SELECT id, word, ratio, yes, at FROM things ORDER BY id"};
constexpr query count_things{"test.count_things", "SELECT COUNT(*) FROM things"};
constexpr query endless{"test.endless", "SELECT pg_sleep(60)",
                        // SQLite cannot sleep: it counts.
                        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT COUNT(*) FROM n"};

class db_test : public engine_test {
protected:
  void SetUp() override {
    engine_test::SetUp();
    if (IsSkipped())
      return;
    db_ = connect();
    db_->exec(make_things);
  }
  void TearDown() override {
    db_.reset();
    engine_test::TearDown();
  }
  std::int64_t count(db& on) {
    return *on.one(count_things, [](const row& r) { return r.integer(0); });
  }
  std::int64_t count() { return count(*db_); }
  std::int64_t put(std::int64_t key, std::optional<std::string> word = {}) {
    return db_->exec(put_thing, key, word, 0.5, true, new_year);
  }
  std::unique_ptr<db> db_;
};
ON_BOTH_ENGINES(db_test);

TEST_P(db_test, every_type_comes_back_as_it_went_in) {
  db_->exec(put_thing, INT64_MAX, "naïve 数", 0.1, false, new_year);
  db_->exec(put_thing, std::int64_t{-1}, std::nullopt, std::nullopt, true, std::optional<unix_time>());
  struct seen {
    std::int64_t key;
    std::optional<std::string> word;
    double ratio;
    bool yes;
    std::optional<unix_time> at;
    bool operator==(const seen&) const = default;
  };
  const auto found = db_->all(all_things, [](const row& r) {
    return seen{r.integer(0), r.maybe_text(1), r.real(2), r.flag(3), r.maybe_time(4)};
  });
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0], (seen{-1, {}, 0.0, true, {}}));
  EXPECT_EQ(found[1], (seen{INT64_MAX, "naïve 数", 0.1, false, new_year}));
}

TEST_P(db_test, exec_says_how_many_rows_it_wrote) {
  EXPECT_EQ(put(1, "a"), 1);
  EXPECT_EQ(put(2, "b"), 1);
  static constexpr query rename{"test.rename", "UPDATE things SET ratio = 1"};
  EXPECT_EQ(db_->exec(rename), 2);
}

TEST_P(db_test, a_unique_word_twice_is_a_constraint_violation_with_the_querys_name) {
  put(1, "same");
  try {
    put(2, "same");
    FAIL() << "was taken";
  } catch (const constraint_violation& e) {
    EXPECT_EQ(e.query(), "test.put_thing");
  }
  EXPECT_EQ(count(), 1);
}

TEST_P(db_test, bad_sql_is_an_error_with_its_name_and_the_connection_goes_on) {
  static constexpr query bad{"test.bad", "SELECT nothing FROM nowhere"};
  EXPECT_THAT([&] { db_->exec(bad); }, ::testing::ThrowsMessage<error>(::testing::HasSubstr("test.bad")));
  EXPECT_EQ(count(), 0);
  EXPECT_TRUE(db_->healthy());
}

TEST_P(db_test, a_transaction_that_throws_writes_nothing) {
  EXPECT_THROW(db_->transaction([&] {
    put(1);
    throw std::runtime_error("half way");
  }),
               std::runtime_error);
  EXPECT_EQ(count(), 0);
  db_->transaction([&] { put(2); });
  EXPECT_EQ(count(), 1);
}

TEST_P(db_test, a_transaction_that_returns_a_problem_writes_nothing) {
  const auto result = db_->transaction([&]() -> expected<int> {
    put(1);
    return fail(problem::kind::conflict, "no");
  });
  EXPECT_FALSE(result);
  EXPECT_EQ(count(), 0);
  EXPECT_EQ(db_->transaction([&]() -> expected<int> {
    put(1);
    return 7;
  }),
            7);
  EXPECT_EQ(count(), 1);
}

TEST_P(db_test, a_closed_fence_stops_the_commit) {
  bool open = true;
  db_->fence([&] { return open; });
  db_->transaction([&] { put(1); });
  open = false;
  EXPECT_THROW(db_->transaction([&] { put(2); }), interrupted);
  EXPECT_EQ(count(), 1);
}

TEST_P(db_test, a_reading_connection_cannot_write) {
  auto reader = connect(mode::reads);
  EXPECT_THROW(reader->exec(put_thing, 1, "x", 1.0, true, new_year), error);
  EXPECT_EQ(count(), 0);
}

TEST_P(db_test, a_snapshot_does_not_see_what_is_committed_meanwhile) {
  auto reader = connect(mode::reads);
  reader->snapshot([&] {
    EXPECT_EQ(count(*reader), 0);
    put(1);
    EXPECT_EQ(count(*reader), 0);
  });
  EXPECT_EQ(count(*reader), 1);
}

TEST_P(db_test, two_writers_take_turns) {
  constexpr int each = 50;
  const auto write = [&](int from) {
    auto mine = connect(mode::writes, {.busy = 10s});
    for (int i = from; i < from + each; ++i)
      EXPECT_NO_THROW(mine->transaction([&] {
        mine->one(count_things,
                  [](const row& r) { return r.integer(0); }); // reads first, as deferred transactions fail on
        mine->exec(put_thing, i, std::nullopt, 0.0, true, new_year);
      }));
  };
  std::thread other(write, 1000);
  write(0);
  other.join();
  EXPECT_EQ(count(), 2 * each);
}

// On SQLite a transaction that reads before another's commit and writes after it fails whatever it waits: so it must not begin.
TEST_P(db_test, a_transaction_that_reads_then_writes_survives_another_writer) {
  std::promise<void> has_read;
  std::promise<void> first_is_in;
  std::promise<void> first_is_done;
  std::thread other([&] {
    auto mine = connect(mode::writes, {.busy = 10s});
    first_is_in.get_future().wait();
    EXPECT_NO_THROW(mine->transaction([&] {
      count(*mine);
      has_read.set_value();
      first_is_done.get_future().wait();
      mine->exec(put_thing, 2, std::nullopt, 0.0, true, new_year);
    }));
  });
  db_->transaction([&] {
    put(1);
    first_is_in.set_value();
    has_read.get_future().wait_for(300ms); // comes only where both may be in at once
  });
  first_is_done.set_value();
  other.join();
  EXPECT_EQ(count(), 2);
}

TEST_P(db_test, a_statement_ends_at_its_deadline) {
  auto hasty = connect(mode::reads, {.statement = 100ms});
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THROW(hasty->one(endless, [](const row& r) { return r.integer(0); }), timeout);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
  EXPECT_EQ(count(*hasty), 0); // and the connection goes on
}

TEST_P(db_test, another_thread_interrupts_a_statement) {
  auto busy = connect(mode::reads, {.statement = 60s});
  std::atomic<bool> done = false;
  std::thread other([&] {
    while (!done) { // it has no effect before the statement runs
      busy->interrupt();
      std::this_thread::sleep_for(20ms); // each is a connection of its own to PostgreSQL
    }
  });
  EXPECT_THROW(busy->one(endless, [](const row& r) { return r.integer(0); }), interrupted);
  done = true;
  other.join();
  EXPECT_EQ(count(*busy), 0);
}

TEST_P(db_test, a_transaction_inside_a_transaction_is_refused) {
  EXPECT_THROW(db_->transaction([&] { db_->transaction([] {}); }), std::logic_error);
}

TEST_P(db_test, notifications_reach_listeners_after_the_commit) {
  auto listener = connect(mode::reads);
  listener->listen("test_channel");
  db_->transaction([&] {
    db_->notify("test_channel", "42");
    EXPECT_EQ(listener->wait_notification(1ms), std::nullopt);
  });
  const auto heard = listener->wait_notification(GetParam() == engine::postgres ? 5000ms : 1ms);
  if (GetParam() == engine::postgres)
    EXPECT_EQ(heard, "42");
  else
    EXPECT_EQ(heard, std::nullopt);
}

TEST_P(db_test, a_lost_connection_is_an_outage) {
  if (GetParam() == engine::sqlite)
    return;
  static constexpr query my_pid{"test.pid", "SELECT pg_backend_pid()"};
  auto victim = connect();
  const auto pid = *victim->one(my_pid, [](const row& r) { return r.integer(0); });
  static constexpr query end{"test.end", "SELECT pg_terminate_backend(CAST($1 AS INTEGER), 5000)"};
  db_->one(
      end, [](const row& r) { return r.flag(0); }, pid);
  EXPECT_FALSE(victim->healthy());
  EXPECT_THROW(count(*victim), outage);
  EXPECT_FALSE(victim->healthy());
}

using open_test = engine_test;
ON_BOTH_ENGINES(open_test);

TEST_P(open_test, a_folder_that_is_not_there_is_named) {
  if (GetParam() == engine::postgres) {
    EXPECT_THROW(open("postgresql://127.0.0.1:1/nobody", mode::writes), outage);
    return;
  }
  const std::string path = (folder_ / "no/such/lyceum.db").string();
  EXPECT_THAT([&] { open(path, mode::writes); }, ::testing::ThrowsMessage<error>(::testing::AllOf(
                                                     ::testing::HasSubstr(path), ::testing::HasSubstr("folder"))));
  put("text.db", "this is not a database, but long enough to look at: " + std::string(2000, 'x'));
  EXPECT_THAT([&] { open((folder_ / "text.db").string(), mode::writes); },
              ::testing::ThrowsMessage<error>(::testing::HasSubstr("not an SQLite database")));
  EXPECT_THAT([&] { open("mysql://x/y", mode::writes); },
              ::testing::ThrowsMessage<error>(::testing::HasSubstr("sqlite:PATH")));
}

TEST(url_test, a_password_is_never_shown) {
  EXPECT_EQ(without_password("postgresql://me:secret@host:5432/db?x=1"), "postgresql://me:***@host:5432/db?x=1");
  EXPECT_EQ(without_password("postgresql://host/db?password=secret&x=1"), "postgresql://host/db?password=***&x=1");
  EXPECT_EQ(without_password("data/lyceum.db"), "data/lyceum.db");
}

class migrate_test : public engine_test {
protected:
  migration step(int version, std::string_view sql) { return {version, "step", sql, sha256_hex(sql)}; }
};
ON_BOTH_ENGINES(migrate_test);

TEST_P(migrate_test, a_fresh_database_is_brought_up_to_date_once) {
  auto on = connect();
  EXPECT_FALSE(is_up_to_date(*on));
  EXPECT_EQ(migrate(*on).size(), migrations_for(GetParam()).size());
  EXPECT_TRUE(is_up_to_date(*on));
  EXPECT_TRUE(migrate(*on).empty());
  for (const auto& s : migration_status(*on))
    EXPECT_TRUE(s.applied_at);
}

TEST_P(migrate_test, a_step_that_fails_leaves_the_schema_before_it) {
  auto on = connect();
  const std::vector<migration> history = {step(1, "CREATE TABLE one (x BIGINT)"),
                                          step(2, "CREATE TABLE two (x BIGINT); INSERT INTO nowhere VALUES (1)")};
  EXPECT_THROW(migrate(*on, history, new_year), error);
  static constexpr query one{"test.one", "SELECT COUNT(*) FROM one"};
  static constexpr query two{"test.two", "SELECT COUNT(*) FROM two"};
  EXPECT_NO_THROW(on->exec(one));
  EXPECT_THROW(on->exec(two), error);
}

TEST_P(migrate_test, a_newer_or_another_schema_is_refused) {
  auto on = connect();
  const std::vector<migration> newer = {step(1, "CREATE TABLE one (x BIGINT)"), step(2, "CREATE TABLE two (x BIGINT)")};
  migrate(*on, newer, new_year);
  const std::vector<migration> older = {newer[0]};
  EXPECT_THAT([&] { migrate(*on, older, new_year); },
              ::testing::ThrowsMessage<error>(::testing::HasSubstr("newer version")));
  const std::vector<migration> edited = {step(1, "CREATE TABLE uno (x BIGINT)"), newer[1]};
  EXPECT_THAT([&] { migrate(*on, edited, new_year); },
              ::testing::ThrowsMessage<error>(::testing::HasSubstr("never released")));
}

TEST_P(migrate_test, two_servers_that_start_at_once_take_turns) {
  const auto start = [&] { migrate(*connect(mode::writes, {.busy = 20s})); };
  std::thread other(start);
  start();
  other.join();
  EXPECT_TRUE(is_up_to_date(*connect()));
}

// The process ends without any goodbye between two steps, and inside one: what is left is the old schema or the new one.
TEST_P(migrate_test, a_killed_migration_leaves_old_or_new) {
  std::vector<migration> history;
  std::vector<std::string> texts;
  for (int i = 1; i <= 6; ++i)
    texts.push_back("CREATE TABLE a" + std::to_string(i) + " (x BIGINT); CREATE TABLE b" + std::to_string(i) +
                    " (x BIGINT)");
  for (int i = 1; i <= 6; ++i)
    history.push_back(step(i, texts[static_cast<std::size_t>(i - 1)]));
  for (int kill_after_us : {0, 2000, 6000, 12000}) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      try {
        migrate(*open(url_, mode::writes), history, new_year);
      } catch (...) {
      }
      ::_exit(0);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(kill_after_us)); // any moment will do
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    auto on = connect(mode::writes, {.busy = 20s});
    static constexpr query done{"test.done", "SELECT COUNT(*) FROM schema_migrations"};
    static constexpr query tables{"test.tables",
                                  "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = current_schema()"
                                  " AND table_name LIKE '__'",
                                  "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name LIKE '__'"};
    const auto number = [](const row& r) { return r.integer(0); };
    try {
      on->snapshot([&] { EXPECT_EQ(*on->one(tables, number), 2 * *on->one(done, number)); });
    } catch (const error&) { // not even the first step is there
      EXPECT_EQ(*on->one(tables, number), 0);
    }
  }
  migrate(*connect(), history, new_year);
}

} // namespace
} // namespace lyceum::storage::test
