// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace lyceum {

/// How often this thread has taken memory by operator new. The program that links allocations.cpp counts.
std::size_t allocations() noexcept;

} // namespace lyceum
