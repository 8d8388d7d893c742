// SPDX-License-Identifier: Apache-2.0
// CommonMark's own examples: the npm package commonmark-spec 0.30.0 (CC-BY-SA 4.0), which is fetched, not kept here.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace lyceum::tests {

struct example {
  int number = 0;
  std::string markdown;
  std::string html;
};

/// From LYCEUM_SPEC (a folder with spec.txt), else from tests/peers/node_modules/commonmark-spec; nothing when it is
/// not there.
std::optional<std::vector<example>> spec_examples();

/// Where the sources are: LYCEUM_SOURCE, which ctest sets, else the working folder.
std::string source_folder();

} // namespace lyceum::tests
