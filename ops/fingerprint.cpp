// SPDX-License-Identifier: Apache-2.0
#include "ops/fingerprint.hpp"

#include "views/markdown.hpp"
#include "views/theme.hpp"

#include <fmt/format.h>

#include <sys/stat.h>

#ifndef LYCEUM_VERSION
#define LYCEUM_VERSION "unknown"
#endif

namespace lyceum {

std::string fingerprint_of(const std::string& base_url, const views::theme& look) {
  std::string all = "lyceum " LYCEUM_VERSION "\n" + base_url + "\n";
  all += fmt::format("renderer {}\n", views::renderer_version);
  for (const auto& asset : look.assets())
    all += asset.hashed_name + '\n';
  for (const auto& page : look.pages())
    all += look.source(page);
  struct stat program {}; // another build may draw the same values in another way
  if (stat("/proc/self/exe", &program) == 0)
    all += fmt::format("{} {} {}\n", program.st_size, program.st_mtim.tv_sec, program.st_mtim.tv_nsec);
  return all;
}

std::string family_of(const std::string& base_url) {
  return base_url + "\n";
}

} // namespace lyceum
