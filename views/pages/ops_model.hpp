// SPDX-License-Identifier: Apache-2.0
// What the models of the console's pages about rows of the database begin with.
#pragma once

#include "views/console.hpp"
#include "views/model.hpp"

#include <string>
#include <utility>
#include <vector>

namespace lyceum::views {

inline model::object console_frame(std::string title, const console_visitor& who) {
  return {{"lang", "en"},      {"title", std::move(title)}, {"school", ""},    {"live", false},
          {"signed_in", true}, {"csrf", who.csrf},          {"who", who.name}, {"may_act", who.may_act}};
}

inline model::list pairs(const std::vector<std::pair<std::string, std::string>>& all, const char* first,
                         const char* second) {
  return make_list(all, [&](const auto& one) { return model::object{{first, one.first}, {second, one.second}}; });
}

} // namespace lyceum::views
