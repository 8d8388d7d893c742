// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ops/config.hpp"

#include <functional>
#include <string>

namespace lyceum {

/// The process's own log on stderr, one event a line: sentences on a terminal, JSON elsewhere (or as the configuration says).
/// The functions may be called from any thread.
struct site_log {
  std::function<void(const std::string&)> info; ///< what happens in good order
  std::function<void(const std::string&)>
      warn; ///< wrong content, a theme that is not taken: somebody should look at it
  std::function<void(const std::string&)> error; ///< crashes and outages
};
site_log make_log(const config& cfg);

} // namespace lyceum
