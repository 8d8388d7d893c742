// SPDX-License-Identifier: Apache-2.0
// The console's pages about mail: how it goes, what waits by template and state, why, and what to do about it.
#pragma once

#include "http/routes/ops.hpp"

#include <memory>
#include <vector>

namespace lyceum::http {

///   GET  /ops/mail             how many are in which state, and the newest; ?template=NAME&state=STATE&before=ID narrow that;
///                              ?id=N shows one. Without the database: the counts last known
///   POST /ops/mail/ask         says what would be done
///   POST /ops/mail/act         does it
std::vector<io_route> mail_routes(std::shared_ptr<const console_desk> desk);

} // namespace lyceum::http
