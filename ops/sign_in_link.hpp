// SPDX-License-Identifier: Apache-2.0
// What operators do with addresses that they type: `lyceum user`, or the console.
#pragma once

#include "storage/db.hpp"
#include "storage/model/account.hpp"
#include "storage/model/expected.hpp"

#include <string>
#include <string_view>

namespace lyceum {

/// A link that signs in to an account once, within 15 minutes, in whichever browser confirms it. Stands in the account's history.
expected<std::string> make_sign_in_link(storage::db&, const account& who, const std::string& base_url,
                                        std::string_view by, unix_time now);

/// The address of an account as somebody typed it: one that our mail reaches, as pages and mails show it.
///   invalid  it is none, or has quotes or letters beyond ASCII before the "@": no mail of ours gets there
expected<std::string> account_address(std::string_view typed);

/// For the audit log: an argument that holds a mail address, masked ("a…@example.org"); any other as it is.
std::string audited_argument(const std::string& argument);

} // namespace lyceum
