// SPDX-License-Identifier: Apache-2.0
#include "outbox.hpp"
#include "people.hpp"

#include "storage/figures.hpp"

namespace lyceum::storage::test {
namespace {

class figures_test : public people_test {
protected:
  id put(std::string recipient, unix_time now) {
    return db_
        ->transaction([&] {
          return outbox::put(
              *db_, {.recipient = std::move(recipient), .template_name = "receipt", .cause = "x:1", .language = "en"},
              "school.example", now);
        })
        ->number;
  }
  void end(delivery::result how, unix_time now) {
    const auto taken = outbox::claim(*db_, {.holder = "test"}, now);
    ASSERT_EQ(taken.size(), 1u);
    ASSERT_TRUE(outbox::settle(*db_, taken[0], {how, "words"}, now, 0.5));
  }
};
ON_BOTH_ENGINES(figures_test);

TEST_P(figures_test, an_empty_school_has_a_database_and_nobody) {
  const auto now = figures_of(*db_, new_year - 24h, new_year);
  EXPECT_EQ(now.accounts + now.sessions + now.mails_sent + now.mails_failed, 0);
  EXPECT_EQ(now.oldest_waiting, std::nullopt);
  EXPECT_GT(now.bytes, 10'000);
}

TEST_P(figures_test, who_is_there_and_which_mails_went_is_counted) {
  const auto ann = make("ann@x.example");
  make("ben@x.example");
  open_session(ann, "one");
  open_session(ann, "two", new_year + 1h);
  put("a@x.example", new_year);
  end(delivery::result::sent, new_year);
  put("b@x.example", new_year + 1h);
  end(delivery::result::sent, new_year + 25h); // "a" is older than a day then
  put("c@x.example", new_year + 25h);
  end(delivery::result::refused, new_year + 25h);
  put("d@x.example", new_year + 26h);
  put("e@x.example", new_year + 27h);
  const auto at = new_year + 28h;
  const auto now = figures_of(*db_, at - 24h, at);
  EXPECT_EQ(now.accounts, 2);
  EXPECT_EQ(now.sessions, 2);
  EXPECT_EQ(now.mails_sent, 1);
  EXPECT_EQ(now.mails_failed, 1);
  EXPECT_EQ(now.oldest_waiting, new_year + 26h);
  EXPECT_EQ(figures_of(*db_, at, new_year + sessions::idle_life + 30min).sessions, 1) << "the other one has ended";
}

} // namespace
} // namespace lyceum::storage::test
