// SPDX-License-Identifier: Apache-2.0
// Ways to run a script in somebody else's page: our own cases, after publicly known classes of attack.
#pragma once

#include <string>
#include <vector>

namespace lyceum::tests {

/// HTML that a browser would run, or load from elsewhere, or that breaks out of where it stands.
const std::vector<std::string>& html_attacks();

/// The same by way of Markdown.
const std::vector<std::string>& markdown_attacks();

} // namespace lyceum::tests
