// SPDX-License-Identifier: Apache-2.0
#include "ops/commands/site_address.hpp"

#include <boost/json.hpp>

#include <fstream>
#include <sstream>

namespace lyceum {
namespace {

namespace json = boost::json;

/// The first address in what a running server wrote of itself.
std::string bound_address(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  boost::system::error_code wrong;
  const auto read = json::parse(text.str(), wrong);
  const auto* listed = wrong || !read.is_object() ? nullptr : read.as_object().if_contains("listen");
  if (listed == nullptr || !listed->is_array() || listed->as_array().empty() || !listed->as_array()[0].is_string())
    return {};
  return std::string(listed->as_array()[0].as_string());
}

} // namespace

std::string site_address(const config& cfg) {
  if (!cfg.base_url.empty())
    return cfg.base_url;
  const auto bound = bound_address(cfg.run_dir() / "listen.json");
  return bound.empty() ? std::string() : default_base_url(bound);
}

} // namespace lyceum
