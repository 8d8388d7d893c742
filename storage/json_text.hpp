// SPDX-License-Identifier: Apache-2.0
// Lists that are stored as JSON in TEXT columns.
#pragma once

#include "storage/fault.hpp"
#include "storage/import.hpp"
#include "storage/model/course.hpp"
#include "storage/model/rendered.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lyceum::storage::json_text {

using pairs = std::vector<std::pair<std::string, std::string>>;

std::string of_pairs(const pairs&);
std::string of_media(const std::vector<media_link>&);
std::string of_headings(const std::vector<heading>&);
std::string of_blocks(const std::vector<code_block>&);
std::string of_navigation(const std::vector<nav_entry>&);
std::string of_faults(const std::vector<fault>&);
std::string of_report(const import_report&);

/// What was written by the functions above. Other text throws.
pairs to_pairs(std::string_view);
std::vector<media_link> to_media(std::string_view);
std::vector<heading> to_headings(std::string_view);
std::vector<code_block> to_blocks(std::string_view);
std::vector<nav_entry> to_navigation(std::string_view);
std::vector<fault> to_faults(std::string_view);

} // namespace lyceum::storage::json_text
