// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace lyceum {

/// What went wrong in a way that was to be expected, and what the asker can do about it. Surprises are exceptions:
/// they end the actor that met them.
struct problem {
  enum class kind {
    not_found,    ///< no such thing, or not for this visitor to know
    invalid,      ///< the input breaks a rule; `detail` names it
    forbidden,    ///< known, but not allowed
    conflict,     ///< somebody else was first
    too_large,    ///< over a stated limit
    unavailable,  ///< an outage: try again after `retry_after`
    timeout,      ///< a deadline passed
    moved,        ///< lives elsewhere now; `detail` is its path
    needs_render, ///< the text's HTML is not kept yet; `detail` is its render key
    internal,     ///< a surprise, told to this asker only
  };

  kind what = kind::internal;
  std::string detail;                  ///< a sentence for people, or the datum named above
  std::chrono::seconds retry_after{1}; ///< for `unavailable`

  bool operator==(const problem&) const = default;
};

template <class T>
using expected = tl::expected<T, problem>;

/// `return fail(problem::kind::not_found, "course");`
inline tl::unexpected<problem> fail(problem::kind what, std::string detail = {}) {
  return tl::unexpected<problem>(problem{what, std::move(detail)});
}

} // namespace lyceum
