// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ops/config.hpp"

#include <functional>
#include <string>

namespace lyceum {

/// The process's own log on stderr, one event a line: sentences on a terminal, JSON elsewhere (or as the configuration says).
/// The function may be called from any thread.
std::function<void(const std::string&)> make_log(const config& cfg);

} // namespace lyceum
