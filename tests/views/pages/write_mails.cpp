// SPDX-License-Identifier: Apache-2.0
// write_sample_mails DIR: every mail in every language as an HTML and a text file, to look at, and for mails.mjs.
#include "tests/views/pages/mail_samples.hpp"
#include "tests/views/pages/samples.hpp"
#include "views/texts.hpp"

#include <filesystem>
#include <fstream>
#include <iostream>

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  using namespace lyceum::views;
  if (argc != 2) {
    std::cerr << "usage: write_sample_mails DIR\n";
    return 2;
  }
  const fs::path folder{argv[1]};
  fs::create_directories(folder);
  for (const auto language : interface_languages())
    for (const auto& [name, variant, details] : samples::all_mails()) {
      const auto made = render_mail(*samples::strict_theme(), samples::mail_school(), name, language, details);
      if (!made) {
        std::cerr << name << ": " << made.error().detail << '\n';
        return 1;
      }
      const std::string stem = name + "." + variant + "." + std::string{language};
      std::ofstream{folder / (stem + ".html"), std::ios::binary} << made->html;
      std::ofstream{folder / (stem + ".txt"), std::ios::binary} << "Subject: " << made->subject << "\n\n" << made->text;
    }
}
