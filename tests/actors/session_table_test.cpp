// SPDX-License-Identifier: Apache-2.0
#include "actors/people.hpp"
#include "actors/session_table.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <atomic>
#include <map>
#include <set>
#include <string>
#include <thread>

namespace lyceum {
namespace {

constexpr std::int64_t now = 1'700'000'000'000'000;

/// Hashes that collide as SHA-256's never would: `home` is where the search begins, `part` which array.
session_hash hash(std::uint64_t home, std::uint64_t name, std::uint64_t part = 0) {
  return {home, name, 7, part};
}
known_session session(id account, std::int64_t until = now + 1, std::uint32_t tier = 0) {
  return {account, tier, until, now};
}

TEST(session_table_test, a_session_is_found_until_it_is_over) {
  session_table table;
  ASSERT_TRUE(table.put(hash(1, 1), session(5, now + 10), now, table.changes()));
  EXPECT_EQ(table.find(hash(1, 1), now), session(5, now + 10));
  EXPECT_EQ(table.find(hash(1, 1), now + 9)->account, 5);
  EXPECT_FALSE(table.find(hash(1, 1), now + 10));
  EXPECT_FALSE(table.find(hash(1, 2), now)) << "another token";
  EXPECT_FALSE(table.find(hash(1, 1, 1), now));
}

TEST(session_table_test, what_is_over_or_no_hash_is_not_taken) {
  session_table table;
  EXPECT_FALSE(table.put(hash(1, 1), session(5, now), now, table.changes()));
  EXPECT_FALSE(table.put({}, session(5), now, table.changes())) << "the sign of an empty slot";
  EXPECT_FALSE(table.find({}, now));
  EXPECT_EQ(table.size(), 0u);
}

TEST(session_table_test, a_later_word_takes_the_place_of_an_earlier_one) {
  session_table table;
  table.put(hash(1, 1), session(5), now, table.changes());
  table.put(hash(1, 1), session(6, now + 99), now, table.changes());
  EXPECT_EQ(table.find(hash(1, 1), now)->account, 6);
  EXPECT_EQ(table.size(), 1u);
  EXPECT_EQ(table.erase_account(5), 0u) << "it is another's now";
  EXPECT_EQ(table.erase_account(6), 1u);
}

TEST(session_table_test, what_was_read_before_a_change_is_not_taken_after_it) {
  session_table table;
  const auto as_of = table.changes();
  table.erase_account(5); // whatever it held
  EXPECT_FALSE(table.put(hash(1, 1), session(5), now, as_of));
  EXPECT_FALSE(table.find(hash(1, 1), now));
  EXPECT_TRUE(table.put(hash(1, 1), session(5), now, table.changes()));
}

TEST(session_table_test, that_a_session_is_in_use_is_told_once_a_pause) {
  session_table table;
  table.put(hash(1, 1), session(5, now + 1000), now, table.changes());
  table.touch(hash(1, 1), now + 9, 10);
  EXPECT_TRUE(table.take_used(9).empty());
  for (int i = 0; i < 3; ++i)
    table.touch(hash(1, 1), now + 10, 10);
  table.touch(hash(2, 2), now + 99, 10); // it is not there
  EXPECT_EQ(table.find(hash(1, 1), now)->touched_us, now + 10);
  EXPECT_TRUE(table.take_used(0).empty());
  EXPECT_EQ(table.take_used(9), std::vector{hash(1, 1)});
  EXPECT_TRUE(table.take_used(9).empty());
}

TEST(session_table_test, tokens_that_are_nobodys_have_a_limit_of_their_own) {
  session_table table;
  for (std::uint64_t i = 0; i < session_table::unknown_max; ++i)
    ASSERT_TRUE(table.put(hash(i, i + 1, i), session(0), now, table.changes()));
  EXPECT_FALSE(table.put(hash(1, 999'999), session(0), now, table.changes()));
  EXPECT_TRUE(table.put(hash(1, 999'999), session(3), now, table.changes())) << "somebody's";
  EXPECT_TRUE(table.put(hash(1, 999'999), session(0), now, table.changes())) << "in the place of his own";
  EXPECT_FALSE(table.put(hash(2, 999'999), session(0, now + 9), now + 1, table.changes())) << "it looked a moment ago";
  EXPECT_TRUE(table.put(hash(2, 999'999), session(0, now + 2'000'000), now + 1'000'000, table.changes()))
      << "those before are over";
}

TEST(session_table_test, a_hash_reads_as_rows_write_it) {
  const std::string text = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff";
  EXPECT_EQ(session_text(*session_hash_of(text)), text);
  for (auto bad :
       {std::string(), text.substr(1), text + "0", "g" + text.substr(1), "+" + text.substr(1), " " + text.substr(1)})
    EXPECT_FALSE(session_hash_of(bad)) << bad;
}

TEST(people_test, are_known_until_they_are_forgotten_and_never_more_than_there_is_room_for) {
  people all(160);
  all.put(1, {"Ann", "learner"});
  all.put(1, {"Anna", "author"});
  EXPECT_EQ(all.find(1), (person{"Anna", "author"}));
  all.erase(1);
  EXPECT_FALSE(all.find(1));
  std::size_t known = 0;
  for (id i = 1; i <= 1000; ++i)
    all.put(i << 22, {"x", "learner"});
  for (id i = 1; i <= 1000; ++i)
    known += all.find(i << 22).has_value();
  EXPECT_GT(known, 0u);
  EXPECT_LE(known, 176u);
  all.clear();
  EXPECT_FALSE(all.find(id{1000} << 22));
}

TEST(session_table_test, what_is_revoked_is_gone_at_once_and_the_others_are_not) {
  session_table table;
  for (std::uint64_t i = 0; i < 100; ++i)
    table.put(hash(3, i), session(static_cast<id>(i % 4 + 1)), now, table.changes());
  EXPECT_TRUE(table.erase(hash(3, 0)));
  EXPECT_FALSE(table.erase(hash(3, 0)));
  EXPECT_FALSE(table.find(hash(3, 0), now));
  EXPECT_EQ(table.erase_account(2), 25u);
  for (std::uint64_t i = 1; i < 100; ++i)
    EXPECT_EQ(table.find(hash(3, i), now).has_value(), i % 4 != 1) << i;
  table.clear();
  EXPECT_EQ(table.size(), 0u);
  EXPECT_FALSE(table.find(hash(3, 2), now));
}

TEST(session_table_test, when_it_is_full_only_those_that_are_over_make_room) {
  session_table table(3);
  for (std::uint64_t i = 0; i < 3; ++i)
    ASSERT_TRUE(table.put(hash(i, i), session(1, now + 10 + static_cast<std::int64_t>(i)), now, table.changes()));
  EXPECT_FALSE(table.put(hash(9, 9), session(2, now + 99), now, table.changes()));
  EXPECT_TRUE(table.put(hash(1, 1), session(1, now + 99), now, table.changes())) << "it is in there already";
  EXPECT_TRUE(table.put(hash(9, 9), session(2, now + 99), now + 10, table.changes()));
  EXPECT_FALSE(table.find(hash(0, 0), now));
  EXPECT_EQ(table.size(), 3u);
}

TEST(session_table_test, a_tier_has_one_number_and_keeps_it) {
  session_table table;
  EXPECT_EQ(table.tier(""), 0u) << "anonymous pages have no tier before their path";
  const auto members = table.tier("members ");
  ASSERT_TRUE(members);
  EXPECT_EQ(table.tier("members "), members);
  EXPECT_EQ(table.tier_text(*members), "members ");
  for (std::size_t i = 2; i < session_table::tiers_max; ++i)
    ASSERT_TRUE(table.tier("plan:" + std::to_string(i)));
  EXPECT_FALSE(table.tier("one more"));
  EXPECT_EQ(table.tier("members "), members);
  EXPECT_EQ(table.tier_text(5000), "");
}

// The clever thing beside a plain map, with keys that crowd at the same places.
RC_GTEST_PROP(session_table_test, agrees_with_a_map, ()) {
  session_table table(40);
  std::map<session_hash, known_session> plain;
  const auto steps = *rc::gen::inRange(1, 400);
  for (int i = 0; i < steps; ++i) {
    const auto key = hash(*rc::gen::inRange<std::uint64_t>(0, 20), *rc::gen::inRange<std::uint64_t>(0, 6),
                          *rc::gen::inRange<std::uint64_t>(0, 2));
    switch (*rc::gen::inRange(0, 5)) {
    case 0:
      RC_ASSERT(table.erase(key) == (plain.erase(key) == 1));
      break;
    case 1: {
      const auto account = *rc::gen::inRange<id>(1, 6);
      RC_ASSERT(table.erase_account(account) ==
                std::erase_if(plain, [&](const auto& one) { return one.second.account == account; }));
      break;
    }
    default: {
      const auto what = session(*rc::gen::inRange<id>(0, 6));
      const bool room = plain.contains(key) || plain.size() < 40;
      RC_ASSERT(table.put(key, what, now, table.changes()) == room);
      if (room)
        plain[key] = what;
    }
    }
    RC_ASSERT(table.size() == plain.size());
    for (const auto& [is, what] : plain)
      RC_ASSERT(table.find(is, now) == what);
  }
}

// Under TSan, too. Whatever a reader finds was written whole, under that key. It may find nothing while a writer that holds the part
// has lost its core.
TEST(session_table_test, readers_never_see_half_a_session) {
  session_table table;
  const auto made_of = [](std::uint64_t name, std::uint64_t round) {
    return known_session{static_cast<id>(name + 1), static_cast<std::uint32_t>(round),
                         now + 1 + static_cast<std::int64_t>(name * 1'000'000 + round),
                         static_cast<std::int64_t>(round)};
  };
  for (std::uint64_t name = 0; name < 8; ++name)
    table.put(hash(name, name), made_of(name, 0), now, table.changes());
  std::atomic<bool> over = false;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i)
    readers.emplace_back([&] {
      for (std::uint64_t n = 0; !over; ++n) {
        const auto name = n % 4 == 0 ? n / 4 % 400 : 0; // mostly the one that is written most
        const auto found = table.find(hash(name % 16, name), now);
        if (found && *found != made_of(name, found->tier))
          ++wrong;
      }
    });
  for (std::uint64_t round = 1; round <= 60; ++round) {
    for (std::uint64_t name = 0; name < 400; ++name)
      table.put(hash(name % 16, name), made_of(name, round), now, table.changes());
    for (std::uint64_t name = 8; name < 400; name += 3)
      table.erase(hash(name % 16, name));
  }
  for (std::uint64_t round = 60; round <= 300'000; ++round)
    table.put(hash(0, 0), made_of(0, round), now, table.changes());
  table.put(hash(0, 0), made_of(0, 60), now, table.changes());
  over = true;
  for (auto& one : readers)
    one.join();
  EXPECT_EQ(wrong, 0);
  for (std::uint64_t name = 0; name < 8; ++name)
    EXPECT_EQ(table.find(hash(name, name), now), made_of(name, 60));
}

} // namespace
} // namespace lyceum
