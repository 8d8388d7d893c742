// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace lyceum::ops {

/// `lyceum ctl …`: asks a running server over its control socket, and prints tables, or JSON with `--json`.
/// `args` is what stands behind `ctl`; `control_path_default` is used without `--control`.
/// Returns the exit status: 0 done; 1 failed (one line on stderr: what, and what to do); 2 wrong usage; 3 no server is running.
int run_ctl(std::vector<std::string> args, std::string control_path_default);

/// The text of `ctl --help`.
std::string ctl_help();

/// Every command that `ctl` knows, sorted: for completions and the manual.
std::vector<std::string> ctl_commands();

} // namespace lyceum::ops
