// SPDX-License-Identifier: Apache-2.0
// What `lyceum user` tells people: links to sign in with, and what their addresses are.
#pragma once

#include "ops/config.hpp"
#include "storage/db.hpp"
#include "storage/model/account.hpp"
#include "storage/model/expected.hpp"

#include <string>
#include <string_view>

namespace lyceum {

/// The address of the site in links: the configured one, else where the server of this data folder listens. Empty where neither is known.
std::string site_address(const config& cfg);

/// A link that signs in to an account once, within 15 minutes, in whichever browser confirms it. Stands in the account's history.
expected<std::string> make_sign_in_link(storage::db&, const account& who, const std::string& base_url,
                                        std::string_view by, unix_time now);

/// The address of an account as somebody typed it.
///   invalid  what is wrong with it
expected<std::string> account_address(std::string_view typed);

} // namespace lyceum
