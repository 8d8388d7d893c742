// SPDX-License-Identifier: Apache-2.0
// Plans that accounts have, whoever paid for them: gifts, PayPal by hand, and what a payment provider reports. What they add up to says
// `entitlement_of` (storage/model/account.hpp). Each verb is one transaction, stands in the account's history and is told to all nodes.
#pragma once

#include "storage/also.hpp"
#include "storage/db.hpp"
#include "storage/model/account.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum::storage::grants {

/// Characters of a plan's name at most.
inline constexpr std::size_t plan_max = 64;

struct gift {
  id account_id = 0;
  std::string plan;
  std::string source; ///< "operator", "gift", "paypal", …
  std::string note;   ///< for the operator: an invoice's number, why
  unix_time starts_at{};
  std::optional<unix_time> expires_at; ///< nothing: for ever
};

/// Gives a plan. One that an account has already is given beside it: each ends by itself.
///   not_found  no such account
///   invalid    no plan, one with a longer name, or an end that is not after its beginning; `detail` says which
expected<grant> give(db&, const gift&, std::string_view by, unix_time now, const also_of<grant>& with_it = {});

/// Takes a grant back at once.
///   not_found
///   conflict   it was taken back before
expected<grant> revoke(db&, id grant_id, std::string_view by, unix_time now, const also_of<grant>& with_it = {});
/// Takes back all grants of a plan that an account has or will have. `not_found` where there is none. `with_it` is given each.
expected<std::vector<grant>> revoke_plan(db&, id account_id, std::string_view plan, std::string_view by, unix_time now,
                                         const also_of<grant>& with_it = {});

/// Every grant of an account, revoked and past ones too, in order of their making.
std::vector<grant> list(db&, id account_id);
/// Whether an account has a plan by any grant.
bool has_plan(db&, id account_id, std::string_view plan, unix_time now);

/// The account and what it may read now: the one question of pages, media, feeds, search and previews.
struct entitlement {
  account who;
  viewer may;
  std::optional<unix_time> until; ///< when it may differ without anything being written
};
/// `not_found` where there is no such account.
expected<entitlement> entitlement_at(db&, id account_id, unix_time now);

/// More to write in the same transaction, for each grant and its owner: a mail. What it throws undoes all.
using also = std::function<void(db&, const grant&, const account&)>;

/// Notes the grants whose time has passed since, each once, at most `limit`; who has kept an entitlement hears of it, though it ended at
/// its `until` without. Returns them.
std::vector<grant> note_ended(db&, unix_time now, int limit = 500, const also& with_it = {});

} // namespace lyceum::storage::grants
