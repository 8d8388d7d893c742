// SPDX-License-Identifier: Apache-2.0
#include "actors/mail_state.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <random>

namespace lyceum {
namespace {

double random_jitter() {
  static thread_local std::minstd_rand random{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(random);
}

bool all_paused(const mail_facts& now) {
  return std::ranges::find(now.paused, "") != now.paused.end();
}

/// "12:01 UTC", with the day where it is another one.
std::string moment(unix_time then, unix_time now) {
  const auto day = std::chrono::floor<std::chrono::days>(then);
  const std::chrono::hh_mm_ss clock{std::chrono::floor<std::chrono::minutes>(then - day)};
  const std::chrono::year_month_day date{day};
  std::array<char, 40> text{};
  if (day == std::chrono::floor<std::chrono::days>(now))
    std::snprintf(text.data(), text.size(), "%02d:%02d UTC", static_cast<int>(clock.hours().count()),
                  static_cast<int>(clock.minutes().count()));
  else
    std::snprintf(text.data(), text.size(), "%04d-%02u-%02u %02d:%02d UTC", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()));
  return text.data();
}

std::string waiting_words(std::int64_t mails) {
  return mails == 0 ? "no mail waits" : mails == 1 ? "1 mail waits" : std::to_string(mails) + " mails wait";
}

std::string paused_words(const mail_facts& now) {
  if (all_paused(now))
    return "all mail is paused (`lyceum ctl mail resume` lets it go on)";
  std::string names;
  for (const auto& one : now.paused)
    names += (names.empty() ? "" : ", ") + one;
  return names.empty() ? names : "paused: " + names;
}

constexpr const char* goes_on = "sign-in by password goes on";

} // namespace

bool is_delivering(const mail_facts& now) {
  return why_not_delivering(now).empty();
}

std::string why_not_delivering(const mail_facts& now) {
  if (now.road.what == mail_road::kind::held)
    return "This school does not send mail yet.";
  if (now.host_away_since)
    return "Mail is late: the mail host does not take it at the moment.";
  if (now.database_away_since)
    return "Mail is late: what is to be sent cannot be read at the moment.";
  if (all_paused(now))
    return "Mail is late: it is held back for the moment.";
  return {};
}

namespace {

bool puts_all_off(const mail_facts& now, unix_time at) {
  return now.deferred >= put_off_suspect && now.put_off_since && at - *now.put_off_since > now.late_after;
}

} // namespace

bool is_late(const mail_facts& now, unix_time at) {
  const auto for_long = [&](const std::optional<unix_time>& since) { return since && at - *since > now.late_after; };
  return for_long(now.oldest) || (now.waiting > 0 && for_long(now.host_away_since)) || puts_all_off(now, at);
}

std::vector<mail_trouble> troubles_of(const mail_facts& now, unix_time at) {
  std::vector<mail_trouble> all;
  const auto wait = waiting_words(now.waiting);
  if (now.road.what == mail_road::kind::held)
    all.push_back({"mail", "held", now.road.host + "; " + wait + ", " + goes_on});
  else if (now.host_away_since)
    all.push_back({"mail", "away",
                   now.host_reason + ", since " + moment(*now.host_away_since, at) + "; " + wait + ", " + goes_on});
  if (puts_all_off(now, at))
    all.push_back({"mail", "late",
                   "the mail host has put off every mail since " + moment(*now.put_off_since, at) + "; " + wait +
                       " (`lyceum ctl mail list --state deferred` says why)"});
  if (now.oldest && at - *now.oldest > now.late_after) {
    const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(at - *now.oldest).count();
    const auto paused = paused_words(now);
    all.push_back({"mail/outbox", "late",
                   "the oldest mail waits since " + moment(*now.oldest, at) + " (" + std::to_string(minutes) +
                       " min); " + wait + (paused.empty() ? "" : "; " + paused)});
  }
  return all;
}

mail_health::mail_health() : patience_(random_jitter) {}

bool mail_health::delivering() const {
  const std::lock_guard lock(guard_);
  return is_delivering(facts_);
}

std::string mail_health::why_not() const {
  const std::lock_guard lock(guard_);
  return why_not_delivering(facts_);
}

mail_facts mail_health::facts() const {
  const std::lock_guard lock(guard_);
  return facts_;
}

mail_figures mail_health::figures(unix_time now) const {
  const std::lock_guard lock(guard_);
  auto seen = figures_;
  if (facts_.oldest && now > *facts_.oldest)
    seen.oldest_waiting_s = std::chrono::duration<double>(now - *facts_.oldest).count();
  return seen;
}

void mail_health::set_road(mail_road road, std::chrono::minutes late_after) {
  const std::lock_guard lock(guard_);
  facts_.road = std::move(road);
  facts_.late_after = late_after;
}

bool mail_health::may_claim(std::size_t worker, clock::time_point now) {
  const std::lock_guard lock(guard_);
  return patience_.may_claim(worker, now);
}

void mail_health::leave(std::size_t worker) {
  const std::lock_guard lock(guard_);
  patience_.leave(worker);
}

std::string mail_health::ended(std::size_t worker, const delivery& how, clock::duration took, unix_time now) {
  const std::lock_guard lock(guard_);
  const auto took_s = std::chrono::duration<double>(took).count();
  const auto slot = std::ranges::lower_bound(mail_figures::bounds_s, took_s) - mail_figures::bounds_s.begin();
  ++figures_.took.at(static_cast<std::size_t>(slot));
  figures_.took_sum_s += took_s;
  ++figures_.ended.at(static_cast<std::size_t>(how.how));
  if (how.how == delivery::result::sent)
    facts_.put_off_since.reset();
  else if (how.how == delivery::result::deferred && !facts_.put_off_since)
    facts_.put_off_since = now;
  const bool was = patience_.in_trouble();
  patience_.ended(worker, how.how, clock::now());
  const bool is = patience_.in_trouble();
  if (is && (how.how == delivery::result::unreachable || how.how == delivery::result::misconfigured))
    facts_.host_reason = how.reason;
  if (is && !was) {
    facts_.host_away_since = now;
    return "mail waits: " + how.reason;
  }
  if (!is && was) {
    facts_.host_away_since.reset();
    return "mail goes again: the mail host answers";
  }
  return {};
}

void mail_health::database(bool answers, unix_time now) {
  const std::lock_guard lock(guard_);
  if (answers)
    facts_.database_away_since.reset();
  else if (!facts_.database_away_since)
    facts_.database_away_since = now;
}

void mail_health::counted(std::vector<mail_figures::row> mails, std::optional<unix_time> oldest,
                          std::vector<std::string> paused) {
  const std::lock_guard lock(guard_);
  facts_.waiting = facts_.deferred = 0;
  for (const auto& one : mails)
    if (one.state == mail_state::deferred)
      facts_.deferred += one.mails;
    else if (one.state == mail_state::queued)
      facts_.waiting += one.mails;
  facts_.waiting += facts_.deferred;
  facts_.oldest = oldest;
  facts_.paused = std::move(paused);
  figures_.mails = std::move(mails);
}

} // namespace lyceum
