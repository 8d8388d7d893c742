// SPDX-License-Identifier: Apache-2.0
#include "storage/sign_in_limits.hpp"

#include "storage/digest.hpp"

#include <algorithm>
#include <vector>

namespace lyceum::storage::sign_in_limits {
namespace {

constexpr query kept_attempts{"sign_in_limits.kept", R"sql(
  SELECT failures, window_ends_at, blocked_until FROM sign_in_limits WHERE key = $1
)sql"};
// A row is there and is this transaction's until its end, whoever else counts for the same.
constexpr query hold_attempts{"sign_in_limits.hold", R"sql(
  INSERT INTO sign_in_limits (key, failures, window_ends_at) VALUES ($1, 0, $2)
  ON CONFLICT (key) DO UPDATE SET key = excluded.key
  RETURNING failures, window_ends_at, blocked_until
)sql"};
constexpr query write_attempts{"sign_in_limits.write", R"sql(
  UPDATE sign_in_limits SET failures = $2, window_ends_at = $3, blocked_until = $4 WHERE key = $1
)sql"};
constexpr query delete_attempts{"sign_in_limits.delete", "DELETE FROM sign_in_limits WHERE key = $1"};
constexpr query take_one_back{"sign_in_limits.take_one_back", R"sql(
  UPDATE sign_in_limits
     SET failures = failures - 1, blocked_until = CASE WHEN failures - 1 < $2 THEN NULL ELSE blocked_until END
   WHERE key = $1 AND failures > 0
)sql"};
constexpr query delete_expired{"sign_in_limits.delete_expired", R"sql(
  DELETE FROM sign_in_limits
   WHERE key IN (SELECT key FROM sign_in_limits WHERE window_ends_at <= $1 ORDER BY window_ends_at LIMIT $2)
)sql"};

attempts read_attempts(const row& r) {
  return {r.small(0), r.time(1), r.maybe_time(2)};
}

const attempt_rule& rule_of(scope of, const rules& by) {
  switch (of) {
  case scope::account:
    return by.account;
  case scope::peer:
    return by.peer;
  case scope::everyone:
    return by.everyone;
  }
  return by.account;
}

struct counted {
  std::string stored;
  const attempt_rule* rule;
  scope of;
};

// In one order for all transactions, so that no two wait for each other; each once.
std::vector<counted> in_order(std::span<const key> keys, const rules& by) {
  static constexpr std::string_view names[] = {"account", "peer", "everyone"};
  std::vector<counted> all;
  for (const key& one : keys)
    all.push_back({one.act + ":" + std::string(names[static_cast<std::size_t>(one.of)]) + ":" + sha256_hex(one.whose),
                   &rule_of(one.of, by), one.of});
  std::ranges::sort(all, {}, &counted::stored);
  const auto twice = std::ranges::unique(all, {}, &counted::stored);
  all.erase(twice.begin(), twice.end());
  return all;
}

void write(db& on, const counted& whose, const attempts& now_kept) {
  on.exec(write_attempts, whose.stored, now_kept.failures, now_kept.window_ends_at, now_kept.blocked_until);
}

} // namespace

std::chrono::seconds wait_before_trying(db& on, std::span<const key> keys, unix_time now, const rules& by) {
  std::chrono::seconds longest{0};
  for (const auto& one : in_order(keys, by))
    if (const auto kept = on.one(kept_attempts, read_attempts, one.stored))
      longest = std::max(longest, wait_of(*kept, *one.rule, now));
  return longest;
}

std::chrono::seconds begin_try(db& on, std::span<const key> keys, unix_time now, const rules& by) {
  const auto all = in_order(keys, by);
  return on.transaction([&] {
    std::vector<attempts> kept;
    std::chrono::seconds longest{0};
    for (const auto& one : all) {
      kept.push_back(*on.one(hold_attempts, read_attempts, one.stored, now));
      longest = std::max(longest, wait_of(kept.back(), *one.rule, now));
    }
    if (longest == std::chrono::seconds(0))
      for (std::size_t i = 0; i < all.size(); ++i)
        write(on, all[i], after_failure(kept[i], *all[i].rule, now));
    return longest;
  });
}

void note_failure(db& on, std::span<const key> keys, unix_time now, const rules& by) {
  on.transaction([&] {
    for (const auto& one : in_order(keys, by))
      write(on, one, after_failure(*on.one(hold_attempts, read_attempts, one.stored, now), *one.rule, now));
  });
}

void forgive(db& on, std::span<const key> keys, const rules& by) {
  on.transaction([&] {
    for (const auto& one : in_order(keys, by))
      if (one.of == scope::account)
        on.exec(delete_attempts, one.stored);
      else
        on.exec(take_one_back, one.stored, one.rule->failures_max);
  });
}

std::int64_t remove_expired(db& on, unix_time now, int limit) {
  return on.exec(delete_expired, now, limit);
}

} // namespace lyceum::storage::sign_in_limits
