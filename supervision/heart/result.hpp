// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace lyceum::heart {

/// What could not be done, in a sentence for people that says what to do.
struct problem {
  enum class kind { not_found, invalid, forbidden, conflict, internal };
  kind what = kind::internal;
  std::string detail;
};

template <class T>
using expected = tl::expected<T, problem>;

inline tl::unexpected<problem> fail(problem::kind what, std::string detail) {
  return tl::unexpected<problem>(problem{what, std::move(detail)});
}

} // namespace lyceum::heart
