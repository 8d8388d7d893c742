// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ops/commands/ctl_words.hpp"

namespace lyceum::ops {

/// `lyceum ctl watch`: the tree, live in the terminal, until q. Returns the exit status. The terminal is as it was afterwards,
/// also after a signal.
int run_watch(const ctl_question& q);

} // namespace lyceum::ops
