// SPDX-License-Identifier: Apache-2.0
// The console's pages about accounts: list, find, add and delete them, see what one has, give and take back grants, end sessions, make a
// link to sign in with. An address is posted and never part of a URL, so that no access log holds one.
#pragma once

#include "http/routes/ops.hpp"

#include <memory>
#include <vector>

namespace lyceum::http {

///   GET  /ops/accounts         the first ones in order of address; ?role=ROLE of that role, ?after=ID those after an account; with ?id=N
///                              that account
///   POST /ops/accounts         finds one by its address
///   POST /ops/accounts/ask     says what would be done
///   POST /ops/accounts/act     does it
std::vector<io_route> account_routes(std::shared_ptr<const console_desk> desk);

} // namespace lyceum::http
