// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/broadcast.hpp"
#include "views/console.hpp"

#include <map>
#include <string>

namespace lyceum {

/// Turns views into frames for those who look: what seldom changes is in a `change` only when it did.
class console_frames {
public:
  struct pair {
    http::frame_ptr change, whole;
  };
  /// `curves`: there is a new point. Each frame has at most `http::broadcast::buffer_bytes_max` bytes: what is too much for one is
  /// left out of it, the log first.
  pair make(const views::console_view& now, const std::string& at, bool curves);

private:
  std::map<std::string, std::string> sent_; ///< by section: as it was last told
};

} // namespace lyceum
