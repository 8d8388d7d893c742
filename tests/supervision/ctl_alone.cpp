// SPDX-License-Identifier: Apache-2.0
// `lyceum ctl` without the rest: ctl_alone SOCKET COMMAND…
#include "ops/commands/ctl.hpp"

int main(int argc, char** argv) {
  if (argc < 2)
    return 2;
  return lyceum::ops::run_ctl({argv + 2, argv + argc}, argv[1]);
}
