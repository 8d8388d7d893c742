// SPDX-License-Identifier: Apache-2.0
// write_sample_pages DIR: every page and asset as files, to look at in a browser (python3 -m http.server -d DIR).
#include "tests/views/pages/samples.hpp"

#include <filesystem>
#include <fstream>
#include <iostream>

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  using namespace lyceum::views;
  if (argc != 2) {
    std::cerr << "usage: write_sample_pages DIR\n";
    return 2;
  }
  const fs::path folder{argv[1]};
  const auto write = [&](const fs::path& name, const std::string& bytes) {
    fs::create_directories((folder / name).parent_path());
    std::ofstream{folder / name, std::ios::binary} << bytes;
  };
  for (const char* language : {"en", "de", "ar"})
    for (const auto& [name, html] : samples::all_pages(false, language))
      write(std::string{language} == "en" ? name + ".html" : std::string{language} + "/" + name + ".html", html);
  for (const auto& [name, html] : samples::all_pages(true))
    write("nasty/" + name + ".html", html);
  const auto view = samples::site();
  for (const auto& one : view.look->assets())
    write("assets/" + one.hashed_name, one.bytes);
  const std::string accent = accent_url(view.site);
  write(accent.substr(1), *accent_css(accent.substr(std::string{"/assets/"}.size())));
}
