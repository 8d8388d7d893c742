// SPDX-License-Identifier: Apache-2.0
// Routes that fail on purpose, for tests. Not part of the program that is shipped: only `lyceum-with-faults` and builds with the
// CMake option LYCEUM_FAULTS contain them, and they also want LYCEUM_FAULTS=1 in the environment.
#pragma once

#include "http/router.hpp"
#include "storage/model/rendered.hpp"

namespace lyceum::http {

///   /__fault/throw         a handler throws in a database worker
///   /__fault/throw-here    a handler that needs no database throws, in its session
///   /__fault/crash, -here  a handler dereferences a null pointer, and the process dies
///   /__fault/overflow      a handler uses up its stack, and the process dies
///   /__fault/spin?ms=N     a handler computes for N ms (at most 60,000) and cannot be interrupted
///   /__fault/sleep?ms=N    a handler waits for N ms in a database worker
/// `spin` and `sleep` answer 200 with "done" when they come to their end.
route_list fault_routes();

/// For `site::options::before_render`: a text that holds "FAULT:CRASH" kills the process as it is rendered, one that holds
/// "FAULT:THROW" its renderer.
void fault_text(const render_input& text);

} // namespace lyceum::http
