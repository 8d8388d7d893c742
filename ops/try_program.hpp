// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "storage/model/expected.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>

namespace lyceum {

/// Runs `file version` and returns its first line, "lyceum 0.2.0". Safe beside other threads; at most `patience`, then it is killed
/// with all that it started. `give_up`: asked every few milliseconds whether to stop waiting.
///   not_found  no such file
///   invalid    it cannot be executed, is no lyceum, ends with a fault, or takes too long
expected<std::string> version_of(const std::filesystem::path& file, std::chrono::milliseconds patience,
                                 const std::function<bool()>& give_up);

} // namespace lyceum
