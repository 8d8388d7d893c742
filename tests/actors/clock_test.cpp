// SPDX-License-Identifier: Apache-2.0
// What the clock does when, and what operators are told of.
#include "actors/clock_schedule.hpp"
#include "actors/clock_troubles.hpp"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>
#include <vector>

namespace lyceum {
namespace {

using namespace std::chrono_literals;
using steady = schedule::clock;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const steady::time_point begin{1000s};
const unix_time noon = from_micros(1'735'732'800'000'000); // 2025-01-01T12:00:00Z
const schedule::wall midday{20'089, 12h};                  // the same in UTC
constexpr task_result well{true, false, "done"};

schedule plan(double jitter = 0.5) { // 0.5: no jitter at all
  return schedule([jitter] { return jitter; });
}

TEST(schedule_test, a_task_runs_at_once_and_then_after_its_pause) {
  auto all = plan();
  all.add("sessions", {.every = 1h}, begin);
  const auto first = all.begin_due(begin, midday, noon);
  ASSERT_THAT(first, SizeIs(1));
  EXPECT_THAT(all.begin_due(begin + 1s, midday, noon), IsEmpty()) << "it runs";
  EXPECT_TRUE(all.end(first[0], well, begin + 2s, noon));
  EXPECT_THAT(all.begin_due(begin + 2s + 1h - 1ms, midday, noon), IsEmpty());
  EXPECT_THAT(all.begin_due(begin + 2s + 1h, midday, noon), SizeIs(1));
}

TEST(schedule_test, pauses_differ_by_a_tenth_either_way) {
  for (const auto& [jitter, pause] : {std::pair{0.0, 54s}, std::pair{0.999999, 66s}}) {
    auto all = plan(jitter);
    all.add("grants", {.every = 1min}, begin);
    all.end(all.begin_due(begin, midday, noon).at(0), well, begin, noon);
    EXPECT_THAT(all.begin_due(begin + pause - 10ms, midday, noon), IsEmpty());
    EXPECT_THAT(all.begin_due(begin + pause, midday, noon), SizeIs(1));
  }
}

TEST(schedule_test, where_there_is_more_a_task_runs_again_at_once_but_not_for_ever) {
  auto all = plan();
  all.add("sessions", {.every = 1h}, begin);
  int runs = 0;
  for (auto due = all.begin_due(begin, midday, noon); !due.empty(); due = all.begin_due(begin, midday, noon)) {
    ++runs;
    ASSERT_LE(runs, schedule::rounds_max);
    all.end(due[0], {true, true, "1000 removed"}, begin, noon);
  }
  EXPECT_EQ(runs, schedule::rounds_max);
  EXPECT_THAT(all.begin_due(begin + 1h, midday, noon), SizeIs(1)) << "then it is its turn again";
}

TEST(schedule_test, one_that_has_more_to_do_does_not_stand_before_the_others) {
  auto all = plan();
  all.add("much", {.every = 1h}, begin);
  all.add("little", {.every = 1min}, begin);
  auto due = all.begin_due(begin, midday, noon);
  ASSERT_THAT(due, SizeIs(2));
  for (const auto& one : due)
    all.end(one, {true, one.task == 0, ""}, begin, noon);
  all.end(all.begin_due(begin, midday, noon).at(0), {true, true, ""}, begin + 2min, noon);
  due = all.begin_due(begin + 2min, midday, noon);
  ASSERT_THAT(due, SizeIs(2));
  EXPECT_EQ(all.name_of(due[0].task), "little") << "it has been due for longer";
}

TEST(schedule_test, a_failing_task_pauses_longer_and_longer_and_costs_no_other_anything) {
  auto all = plan();
  all.add("bad", {.every = 1s}, begin);
  all.add("good", {.every = 1s}, begin);
  std::vector<std::chrono::seconds> pauses;
  steady::time_point before = begin;
  int good = 0;
  for (auto now = begin; now < begin + 1h; now += 1s)
    for (const auto& one : all.begin_due(now, midday, noon)) {
      const bool is_bad = all.name_of(one.task) == "bad";
      if (is_bad && now > begin)
        pauses.push_back(std::chrono::duration_cast<std::chrono::seconds>(now - before));
      if (is_bad)
        before = now;
      good += is_bad ? 0 : 1;
      all.end(one, {!is_bad, false, "x"}, now, noon);
    }
  EXPECT_THAT(pauses, ElementsAre(10s, 20s, 40s, 80s, 160s, 320s, 600s, 600s, 600s, 600s));
  EXPECT_EQ(good, 3600);
  EXPECT_EQ(all.rows()[0].failures, 11u);
  EXPECT_EQ(all.rows()[1].failures, 0u);
}

TEST(schedule_test, after_a_run_that_went_well_a_task_has_its_own_pace_again) {
  auto all = plan();
  all.add("task", {.every = 1h}, begin);
  auto now = begin;
  for (int i = 0; i < 4; ++i, now += 10min)
    all.end(all.begin_due(now, midday, noon).at(0), {false, false, "away"}, now, noon);
  EXPECT_FALSE(all.rows()[0].last_ok);
  all.end(all.begin_due(now, midday, noon).at(0), well, now, noon);
  EXPECT_THAT(all.begin_due(now + 59min, midday, noon), IsEmpty());
  all.end(all.begin_due(now + 1h, midday, noon).at(0), {false, false, "away"}, now + 1h, noon);
  EXPECT_THAT(all.begin_due(now + 1h + 10s, midday, noon), SizeIs(1)) << "the first pause, not the fifth";
}

TEST(schedule_test, a_run_that_never_ends_has_failed_after_a_minute_and_is_not_heard_later) {
  auto all = plan();
  all.add("stuck", {.every = 1h}, begin);
  const auto lost = all.begin_due(begin, midday, noon).at(0);
  EXPECT_THAT(all.begin_due(begin + 59s, midday, noon), IsEmpty());
  EXPECT_EQ(all.rest(begin + 55s), 5s);
  EXPECT_THAT(all.begin_due(begin + 60s, midday, noon), IsEmpty()) << "it pauses as one that failed";
  EXPECT_EQ(all.rows()[0].last, "it did not end in time");
  const auto next = all.begin_due(begin + 70s, midday, noon);
  ASSERT_THAT(next, SizeIs(1));
  EXPECT_FALSE(all.end(lost, well, begin + 71s, noon));
  EXPECT_TRUE(all.end(next[0], well, begin + 71s, noon));
}

TEST(schedule_test, what_is_daily_runs_once_for_each_date_after_its_time_of_day) {
  auto all = plan();
  all.add("all_well", {.daily_at = 7h}, begin);
  auto now = begin;
  const auto runs_at = [&](schedule::wall at) {
    const auto due = all.begin_due(now += 10s, at, noon);
    for (const auto& one : due)
      all.end(one, well, now, noon);
    return due.empty() ? std::optional<std::int64_t>() : due[0].day;
  };
  EXPECT_EQ(runs_at({100, 6h}), 99) << "yesterday's is caught up";
  EXPECT_EQ(runs_at({100, 7h - 1min}), std::nullopt);
  EXPECT_EQ(runs_at({100, 7h}), 100);
  EXPECT_EQ(runs_at({100, 23h}), std::nullopt);
  EXPECT_EQ(runs_at({101, 6h}), std::nullopt);
  EXPECT_EQ(runs_at({103, 6h}), 102) << "of those that were missed, the newest alone";
}

TEST(schedule_test, what_is_daily_and_fails_is_tried_again_the_same_day) {
  auto all = plan();
  all.add("all_well", {.daily_at = 7h}, begin);
  all.end(all.begin_due(begin, midday, noon).at(0), {false, false, "the database is away"}, begin, noon);
  EXPECT_THAT(all.begin_due(begin + 9s, midday, noon), IsEmpty());
  const auto again = all.begin_due(begin + 10s, midday, noon);
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(again[0].day, midday.day);
}

TEST(schedule_test, a_wall_clock_that_jumps_a_day_brings_no_storm) {
  auto all = plan();
  all.add("grants", {.every = 1min}, begin);
  all.add("all_well", {.daily_at = 7h}, begin);
  std::map<std::int64_t, int> daily;
  int runs = 0;
  auto now = begin;
  for (const std::int64_t day : {100, 101, 100, 99, 100, 101, 100})
    for (int i = 0; i < 60; ++i, now += 1s)
      for (const auto& one : all.begin_due(now, {day, 12h}, noon)) {
        all.name_of(one.task) == "grants" ? ++runs : ++daily[one.day];
        all.end(one, well, now, noon);
      }
  EXPECT_EQ(runs, 7) << "one a minute by the steady clock";
  EXPECT_EQ(daily, (std::map<std::int64_t, int>{{100, 1}, {101, 1}}));
}

TEST(schedule_test, a_clock_that_was_a_year_ahead_does_not_silence_the_daily_mail_for_a_year) {
  auto all = plan();
  all.add("all_well", {.daily_at = 7h}, begin);
  all.end(all.begin_due(begin, {465, 12h}, noon).at(0), well, begin, noon);
  EXPECT_THAT(all.begin_due(begin + 10s, {100, 12h}, noon), SizeIs(1));
}

TEST(schedule_test, it_rests_until_something_is_due_and_ten_seconds_at_most) {
  auto all = plan();
  EXPECT_EQ(all.rest(begin), 10s);
  all.add("grants", {.every = 4s}, begin);
  EXPECT_EQ(all.rest(begin), 0s);
  all.end(all.begin_due(begin, midday, noon).at(0), well, begin, noon);
  EXPECT_EQ(all.rest(begin), 4s);
  EXPECT_EQ(all.rest(begin + 1500ms), 2500ms);
}

/// Whatever the walls show and however runs end: never two runs of a task at once, never a burst beyond its pace, none forgotten.
RC_GTEST_PROP(schedule_test, every_task_keeps_its_pace_whatever_happens, ()) {
  auto all = schedule([] { return *rc::gen::inRange(0, 1000) / 1000.0; });
  all.add("a", {.every = 30s}, begin);
  all.add("b", {.every = 2min}, begin);
  all.add("daily", {.daily_at = 7h}, begin);
  std::map<std::size_t, schedule::run> at_hand;
  std::map<std::size_t, steady::time_point> last_end;
  std::map<std::size_t, int> failed;
  std::map<std::int64_t, int> well_for;
  std::int64_t day = 100, newest = 0;
  auto now = begin;
  for (int i = 0; i < 300; ++i) {
    now += std::chrono::seconds(*rc::gen::inRange(0, 40));
    day += *rc::gen::inRange(-1, 2);
    day = std::max(day, newest - 1); // jumps of a day, not of a week
    newest = std::max(newest, day);
    for (auto& [task, run] : std::map(at_hand))
      if (*rc::gen::inRange(0, 3) > 0) {
        const bool ok = *rc::gen::inRange(0, 4) > 0;
        if (all.end(run, {ok, false, ""}, now, noon)) {
          last_end[task] = now;
          failed[task] = ok ? 0 : failed[task] + 1;
          if (ok && task == 2)
            RC_ASSERT(++well_for[run.day] == 1);
        }
        at_hand.erase(task);
      }
    const schedule::wall wall{day, std::chrono::minutes(*rc::gen::inRange(0, 1440))};
    for (const auto& one : all.begin_due(now, wall, noon)) {
      if (at_hand.contains(one.task)) // it was given up: its time was over
        RC_ASSERT(!all.end(at_hand[one.task], well, now, noon));
      else if (last_end.contains(one.task) && one.task < 2 && failed[one.task] == 0)
        RC_ASSERT(now - last_end[one.task] >= (one.task == 0 ? 27s : 108s));
      at_hand[one.task] = one;
    }
  }
  for (const auto& [task, run] : at_hand)
    all.end(run, well, now, noon);
  now += schedule::retry_max * 2;
  RC_ASSERT(all.begin_due(now, {newest + 1, 12h}, noon).size() == 3u);
}

// ---- what operators are told of

trouble one(std::string kind) {
  return {std::move(kind), "storage is degraded", "It is tried again.", noon};
}

TEST(trouble_book_test, a_trouble_is_told_once_while_it_lasts) {
  trouble_book book;
  EXPECT_THAT(book.see({one("a")}, begin), SizeIs(1));
  EXPECT_THAT(book.untold(begin), ElementsAre(one("a")));
  book.told(one("a"), begin);
  EXPECT_THAT(book.untold(begin), IsEmpty());
  auto later = one("a");
  later.since = noon + 10s; // who looks anew finds another beginning
  EXPECT_THAT(book.see({later}, begin + 10s), IsEmpty());
  EXPECT_THAT(book.untold(begin + 10s), IsEmpty());
}

TEST(trouble_book_test, one_that_no_mail_could_be_written_for_is_told_later) {
  trouble_book book;
  book.see({one("a")}, begin);
  EXPECT_THAT(book.untold(begin + 60s), SizeIs(1));
}

TEST(trouble_book_test, what_comes_and_goes_is_one_trouble_and_what_stays_away_is_over) {
  trouble_book book;
  book.see({one("a")}, begin);
  book.told(one("a"), begin);
  EXPECT_THAT(book.see({}, begin + 119s), IsEmpty());
  EXPECT_THAT(book.see({one("a")}, begin + 119s), IsEmpty());
  EXPECT_THAT(book.untold(begin + 119s), IsEmpty());
  const auto over = book.see({}, begin + 239s);
  ASSERT_THAT(over, SizeIs(1));
  EXPECT_FALSE(over[0].raised);
  const auto anew = book.see({one("a")}, begin + 240s);
  ASSERT_THAT(anew, SizeIs(1));
  EXPECT_TRUE(anew[0].raised);
  EXPECT_THAT(book.untold(begin + 240s), SizeIs(1));
}

TEST(trouble_book_test, no_more_than_twelve_mails_an_hour) {
  trouble_book book;
  std::vector<trouble> many;
  for (int i = 0; i < 20; ++i)
    many.push_back(one("a" + std::to_string(i)));
  book.see(many, begin);
  const auto first = book.untold(begin);
  ASSERT_THAT(first, SizeIs(12));
  for (const auto& what : first)
    book.told(what, begin);
  book.see(many, begin + 59min);
  EXPECT_THAT(book.untold(begin + 59min), IsEmpty());
  EXPECT_THAT(book.untold(begin + 60min), SizeIs(8));
}

TEST(trouble_book_test, it_remembers_no_more_than_it_has_room_for) {
  trouble_book book;
  std::vector<trouble> many;
  for (int i = 0; i < 100; ++i)
    many.push_back(one("a" + std::to_string(i)));
  EXPECT_THAT(book.see(many, begin), SizeIs(trouble_book::kept_max));
  EXPECT_THAT(book.see(many, begin), IsEmpty());
}

} // namespace
} // namespace lyceum
