// SPDX-License-Identifier: Apache-2.0
#include "storage/model/mail_pace.hpp"

#include <algorithm>

namespace lyceum {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;

constexpr std::int64_t one_mail = 1'000'000;

std::int64_t day_of(unix_time t) {
  return std::chrono::floor<std::chrono::days>(t).time_since_epoch().count();
}

} // namespace

mail_schedule schedule_of(mail_urgency urgency) {
  if (urgency == mail_urgency::sign_in)
    return {.first = 10s, .longest = 1min, .tries = 12, .horizon = 10min};
  return {.first = 1min, .longest = 24h, .tries = 12, .horizon = 72h};
}

std::optional<unix_time> next_try(mail_urgency urgency, int tries, unix_time now, unix_time give_up_at, double jitter) {
  const mail_schedule plan = schedule_of(urgency);
  if (tries >= plan.tries)
    return std::nullopt;
  std::chrono::seconds wait = plan.first;
  for (int i = 1; i < tries && wait < plan.longest; ++i)
    wait *= 2;
  const double factor = 0.8 + 0.4 * std::clamp(jitter, 0.0, 1.0);
  const auto spread = std::chrono::duration_cast<microseconds>(std::min(wait, plan.longest) * factor);
  const unix_time then = now + std::min<microseconds>(spread, plan.longest);
  return then <= give_up_at ? std::optional(then) : std::nullopt;
}

mail_bucket refilled(mail_bucket bucket, const mail_rate& rate, unix_time now) {
  const auto passed = std::clamp<microseconds>(now - bucket.filled_at, 0us, 1s);
  bucket.level = std::min(bucket.level + passed.count() * rate.per_second, rate.per_second * one_mail);
  bucket.filled_at = now;
  if (day_of(now) != bucket.day) {
    bucket.day = day_of(now);
    bucket.spent_today = 0;
  }
  return bucket;
}

int available(const mail_bucket& bucket, const mail_rate& rate, int wanted) {
  std::int64_t most = wanted;
  if (rate.per_second > 0)
    most = std::min(most, bucket.level / one_mail);
  if (rate.per_day > 0)
    most = std::min(most, rate.per_day - bucket.spent_today);
  return static_cast<int>(std::max<std::int64_t>(most, 0));
}

bool bulk_allowed(const mail_bucket& bucket, const mail_rate& rate) {
  return rate.per_day <= 0 || bucket.spent_today < rate.per_day * 4 / 5;
}

mail_bucket spent(mail_bucket bucket, const mail_rate& rate, int mails) {
  if (rate.per_second > 0)
    bucket.level -= mails * one_mail;
  bucket.spent_today += mails;
  return bucket;
}

} // namespace lyceum
