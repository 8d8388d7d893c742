// SPDX-License-Identifier: Apache-2.0
// What is kept of a second factor: a sealed secret, the newest time step that was accepted, recovery codes. The arithmetic is elsewhere.
#pragma once

#include "storage/also.hpp"
#include "storage/db.hpp"
#include "storage/model/account.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace lyceum::storage::second_factor {

/// Recovery codes an account has at most.
inline constexpr std::size_t recovery_codes_max = 20;

/// Turns it on, or to another secret, with new recovery codes (secrets::hash_of_token of each) in the place of old ones. `step` is the time
/// step of the code that proved it. Other sessions than the one of `kept_token_hash` end.
///   not_found  no such account
///   invalid    more than `recovery_codes_max` codes
expected<account> set(db&, id account_id, std::string_view sealed_secret, std::int64_t step,
                      const std::vector<std::string>& recovery_code_hashes, std::string_view kept_token_hash,
                      std::string_view by, unix_time now, const also_of<account>& with_it = {});
/// Turns it off, with its recovery codes. `not_found`.
expected<account> remove(db&, id account_id, std::string_view by, unix_time now, const also_of<account>& with_it = {});
/// Other recovery codes (secrets::hash_of_token of each) in the place of the old ones.
///   not_found  no such account
///   conflict   it has no second factor
///   invalid    more than `recovery_codes_max` codes
expected<account> replace_recovery_codes(db&, id account_id, const std::vector<std::string>& recovery_code_hashes,
                                         std::string_view by, unix_time now);

/// Accepts a time step, each once, and none that is older than one accepted: also for two that come at the same time.
///   conflict  it or a newer one was accepted before, or there is no second factor
expected<void> accept_step(db&, id account_id, std::int64_t step);

/// Uses up a recovery code, once. Returns how many are left.
///   not_found  no such code, or used
expected<int> use_recovery_code(db&, id account_id, std::string_view code_hash, unix_time now);

/// Recovery codes that were not used yet.
int recovery_codes_left(db&, id account_id);

} // namespace lyceum::storage::second_factor
