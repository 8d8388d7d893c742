// SPDX-License-Identifier: Apache-2.0
// No verb of accounts reads a whole table: SQLite, which decides by the schema alone, says how it would run each statement.
#include "people.hpp"

#include "storage/grants.hpp"
#include "storage/outbox.hpp"
#include "storage/second_factor.hpp"
#include "storage/sign_in_limits.hpp"

#include <gtest/gtest.h>
#include <list>
#include <set>

namespace lyceum::storage::test {
namespace {

/// Hands all to another connection, and keeps what it says about how each statement runs.
class explaining_db : public db {
public:
  explicit explaining_db(db& on) : on_(on) {}

  std::int64_t run(const query& what, std::span<const parameter> bound,
                   const std::function<bool(const row&)>& each) override {
    if (seen_.insert(what.name).second) {
      const auto& name = texts_.emplace_back("explain " + std::string(what.name));
      const auto& text =
          texts_.emplace_back("EXPLAIN QUERY PLAN " + std::string(what.sqlite_text ? what.sqlite_text : what.text));
      on_.run({name, text.c_str()}, bound, [&](const row& r) {
        plans.emplace_back(std::string(what.name), r.text(3));
        return true;
      });
    }
    return on_.run(what, bound, each);
  }
  void script(std::string_view name, std::string_view sql) override { on_.script(name, sql); }
  void lock(std::int64_t key) override { on_.lock(key); }
  void interrupt() noexcept override { on_.interrupt(); }
  bool healthy() override { return on_.healthy(); }
  engine kind() const noexcept override { return on_.kind(); }
  void listen(std::string_view channel) override { on_.listen(channel); }
  std::optional<std::string> wait_notification(std::chrono::milliseconds patience) override {
    return on_.wait_notification(patience);
  }
  void notify(std::string_view channel, std::string_view payload) override { on_.notify(channel, payload); }

  std::vector<std::pair<std::string, std::string>> plans; ///< a statement's name, and one step of it
  std::size_t statements() const { return seen_.size(); }

protected:
  void begin(bool writing) override { on_.script("begin", writing ? "BEGIN IMMEDIATE" : "BEGIN"); }
  void commit() override { on_.script("commit", "COMMIT"); }
  void roll_back() noexcept override {
    try {
      on_.script("rollback", "ROLLBACK");
    } catch (const error&) {
    }
  }

private:
  db& on_;
  std::set<std::string_view> seen_;
  std::list<std::string> texts_; // a connection keeps the names of its statements
};

class indexes_test : public people_test {};
INSTANTIATE_TEST_SUITE_P(on, indexes_test, ::testing::Values(engine::sqlite), name_of);

TEST_P(indexes_test, no_verb_of_accounts_reads_a_whole_table) {
  explaining_db on(*db_);
  const auto now = new_year;
  const auto who = accounts::make(on, {"a@x", "", account_role::learner, ""}, "test", now).value();
  const id a = who.account_id;
  accounts::find_by_address(on, "a@x");
  accounts::list(on, "", 10);
  accounts::list(on, account_role::learner, "", 10);
  accounts::rename(on, a, "A", "test", now);
  accounts::set_password_hash(on, a, "hash", "", "test", now);
  second_factor::set(on, a, "sealed", 1, {hash("code")}, "", "test", now);
  accounts::rehash_password(on, a, "hash", "newer");
  second_factor::replace_recovery_codes(on, a, {hash("code")}, "test", now);
  second_factor::accept_step(on, a, 2);
  second_factor::use_recovery_code(on, a, hash("code"), now);

  sign_in::ask(on, wish_of("a@x", "one"), now);
  sign_in::ask(on, wish_of("a@x", "two"), now);
  sign_in::find(on, hash("one"), now);
  EXPECT_TRUE(sign_in::use_link(on, hash("one"), hash("browser"), false, now));
  EXPECT_TRUE(sign_in::use_code(on, sign_in::purpose::sign_in, "a@x", hash("browser"), hash("code two"), now));
  sign_in::ask_change_of_address(
      on, {a, "b@x", "en", hash("browser"), {hash("old"), hash("old code")}, {hash("new"), hash("new code")}}, now);
  EXPECT_TRUE(sign_in::use_link(on, hash("old"), hash("browser"), false, now));
  EXPECT_TRUE(sign_in::use_link(on, hash("new"), hash("browser"), false, now)->changed);

  const auto epoch = accounts::find(on, a)->sign_in_epoch;
  EXPECT_TRUE(sessions::open(on, {a, epoch, hash("half"), true, "", ""}, now));
  EXPECT_TRUE(sessions::pass_second_factor(on, hash("half"), hash("whole"), now));
  EXPECT_TRUE(sessions::find(on, hash("whole"), now));
  EXPECT_TRUE(sessions::touch(on, hash("whole"), now + 1min));
  EXPECT_TRUE(sessions::enter_sudo(on, hash("whole"), now));
  const auto open = sessions::list(on, a, now);
  ASSERT_EQ(open.size(), 1u);
  EXPECT_TRUE(sessions::revoke(on, a, open[0].session_id, "test", now));
  sessions::sign_out(on, hash("whole"), now);

  const auto given = grants::give(on, {a, "pro", "gift", "", now, now + 1h}, "test", now);
  EXPECT_TRUE(grants::entitlement_at(on, a, now));
  EXPECT_TRUE(grants::revoke(on, given->grant_id, "test", now));
  grants::revoke_plan(on, a, "pro", "test", now);
  grants::note_ended(on, now + 2h);

  const std::vector<sign_in_limits::key> keys{{sign_in_limits::scope::account, "sign_in", "a@x"},
                                              {sign_in_limits::scope::peer, "sign_in", "peer"}};
  sign_in_limits::wait_before_trying(on, keys, now);
  sign_in_limits::begin_try(on, keys, now);
  sign_in_limits::forgive(on, keys);

  account_changes_since(on, account_seq(on));
  accounts::list_events(on, a, 10);
  EXPECT_TRUE(accounts::export_json(on, a, now));
  accounts::suspend(on, a, "", "test", now);
  sign_in::remove_expired(on, now);
  sessions::remove_expired(on, now);
  sign_in_limits::remove_expired(on, now);
  EXPECT_TRUE(accounts::remove(on, a, "test", now));

  EXPECT_GE(on.statements(), 60u);
  for (const auto& [name, step] : on.plans)
    EXPECT_FALSE(step.starts_with("SCAN") && !step.starts_with("SCAN CONSTANT ROW")) << name << ": " << step;
}

TEST_P(indexes_test, no_look_at_mails_reads_a_whole_table) {
  explaining_db on(*db_);
  for (const auto& wanted :
       std::initializer_list<outbox::mail_filter>{{},
                                                  {.state = mail_state::failed},
                                                  {.template_name = "receipt"},
                                                  {.state = mail_state::failed, .template_name = "receipt"},
                                                  {.recipient = "a@x.example"}})
    outbox::list(on, wanted);
  outbox::counts(on);
  outbox::oldest_waiting(on, new_year);
  outbox::next_due(on, new_year);
  EXPECT_GE(on.statements(), 8u);
  for (const auto& [name, step] : on.plans) {
    // Counting goes through an index as a whole.
    const bool whole = step.starts_with("SCAN mail_outbox") && step.find("USING COVERING INDEX") == std::string::npos;
    EXPECT_FALSE(whole) << name << ": " << step;
    if (name != "outbox.list_recipient") { // one person's few
      EXPECT_EQ(step.find("TEMP B-TREE"), std::string::npos) << name << ": " << step;
    }
  }
}

} // namespace
} // namespace lyceum::storage::test
