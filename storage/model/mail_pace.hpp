// SPDX-License-Identifier: Apache-2.0
// When a mail is tried again, and how many may go at a time. Pure.
#pragma once

#include "storage/model/mail.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace lyceum {

/// How long a lease lasts without a heartbeat. A worker beats every third of it.
inline constexpr std::chrono::seconds mail_lease{60};
/// A mail whose worker died this often while sending it is a dead letter: it may be what kills them.
inline constexpr int mail_orphaned_max = 5;
/// How long a mail waits where our own settings are wrong, or all mail would be refused alike.
inline constexpr std::chrono::minutes mail_settings_pause{5};

/// The tries of one mail. Their waits double from `first` to `longest`, each with a jitter of a fifth either way, so that
/// an outage does not end in a stampede.
struct mail_schedule {
  std::chrono::seconds first;
  std::chrono::seconds longest;
  int tries;                    ///< then it is a dead letter
  std::chrono::seconds horizon; ///< from its making; no try begins a wait that ends later
};

/// Ordinary and bulk mail: 1 min doubling to 24 h, 12 tries, three days: the twelfth comes 27 to 41 h after the first. Sign-in
/// mail: 10 s doubling to 1 min, within 10 minutes, since its link lives for 15.
mail_schedule schedule_of(mail_urgency);

/// When to try again after `tries` of them failed; nothing = never. `jitter` is from 0 up to 1, evenly spread.
std::optional<unix_time> next_try(mail_urgency, int tries, unix_time now, unix_time give_up_at, double jitter);

/// What the mail host, or the contract with it, allows. 0 = no limit.
struct mail_rate {
  std::int64_t per_second = 0;
  std::int64_t per_day =
      0; ///< of UTC. Once four fifths are spent no bulk mail is claimed: a newsletter must not lock people out
};

/// A token bucket: at most a second's worth is saved up.
struct mail_bucket {
  std::int64_t level = 0; ///< millionths of a mail
  unix_time filled_at{};
  std::int64_t day = 0; ///< since 1970-01-01, UTC
  std::int64_t spent_today = 0;

  bool operator==(const mail_bucket&) const = default;
};

/// Fills it up to `now`. A clock that went back adds nothing, one that jumped ahead a second's worth.
mail_bucket refilled(mail_bucket, const mail_rate&, unix_time now);
/// How many mails a filled bucket has for somebody who wants `wanted`.
int available(const mail_bucket&, const mail_rate&, int wanted);
bool bulk_allowed(const mail_bucket&, const mail_rate&);
mail_bucket spent(mail_bucket, const mail_rate&, int mails);

} // namespace lyceum
