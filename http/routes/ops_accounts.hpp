// SPDX-License-Identifier: Apache-2.0
// The console's pages about accounts: find one, see what it has, give and take back grants, end sessions. An address is posted and never
// part of a URL, so that no access log holds one.
#pragma once

#include "http/routes/ops.hpp"

#include <memory>
#include <vector>

namespace lyceum::http {

///   GET  /ops/accounts         the form; with ?id=N that account
///   POST /ops/accounts         finds one by its address
///   POST /ops/accounts/ask     says what would be done
///   POST /ops/accounts/act     does it
std::vector<io_route> account_routes(std::shared_ptr<const console_desk> desk);

} // namespace lyceum::http
