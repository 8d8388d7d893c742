// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ops/config.hpp"

#include <string>

namespace lyceum::views {
class theme;
}

namespace lyceum {

/// What kept pages depend on besides content: they are of use only to a process that would make the same ones.
std::string fingerprint_of(const std::string& base_url, const views::theme& look);
/// What kept pages of another build must have in common with ours to be served while they are made anew.
std::string family_of(const std::string& base_url);

} // namespace lyceum
