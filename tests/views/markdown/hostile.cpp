// SPDX-License-Identifier: Apache-2.0
#include "tests/views/markdown/hostile.hpp"

namespace lyceum::tests {
namespace {

/// First half of one piece, second half of another.
std::string halves(std::string_view first, std::string_view second, std::size_t bytes) {
  return repeated(first, bytes / 2) + repeated(second, bytes / 2);
}

std::string counted(std::string_view before, std::string_view after, std::size_t bytes) {
  std::string text;
  for (int i = 0;; ++i) {
    const std::string one = std::string(before) + std::to_string(i) + std::string(after);
    if (text.size() + one.size() > bytes)
      return text;
    text += one;
  }
}

std::string table(std::size_t columns, std::string_view row, std::size_t bytes) {
  return repeated("|a", 2 * columns) + "|\n" + repeated("|-", 2 * columns) + "|\n" +
         repeated(row, bytes > 4 * columns + 4 ? bytes - 4 * columns - 4 : 0);
}

} // namespace

std::string repeated(std::string_view piece, std::size_t bytes) {
  std::string text;
  text.reserve(bytes);
  while (text.size() + piece.size() <= bytes)
    text += piece;
  return text;
}

const std::vector<family>& hostile_families() {
  static const std::vector<family> families = {
      {"image and link openers", [](std::size_t n) { return repeated("![[]()", n); }},
      {"deep lists, then empty lines", [](std::size_t n) { return halves("- ", "\n", n); }},
      {"40 lists, then empty lines", [](std::size_t n) { return repeated("- ", 80) + "a" + repeated("\n", n - 81); }},
      {"lists in a quote, then empty lines", [](std::size_t n) { return "> " + halves("- ", "\n", n - 2); }},
      {"lists by indentation",
       [](std::size_t n) {
         std::string text;
         for (std::size_t depth = 0; text.size() + 2 * depth + 4 < n / 2 && depth < 50; ++depth)
           text += std::string(2 * depth, ' ') + "- a\n";
         return text + repeated("\n", n - text.size());
       }},
      {"emphasis in deep quotes", [](std::size_t n) { return halves(">", "a*", n); }},
      {"emphasis in 40 quotes", [](std::size_t n) { return repeated(">", 40) + repeated("a*", n - 40); }},
      {"strong in strong", [](std::size_t n) { return repeated("*a **a ", n); }},
      {"closers only", [](std::size_t n) { return repeated("a_ ", n); }},
      {"openers only", [](std::size_t n) { return repeated("_a ", n); }},
      {"mismatched", [](std::size_t n) { return repeated("*a_ ", n); }},
      {"openers, then mixed closers", [](std::size_t n) { return halves("*a ", "_a*_ ", n); }},
      {"stars around one letter",
       [](std::size_t n) { return repeated("*", n / 2 - 1) + "a" + repeated("*", n / 2 - 1); }},
      {"closing brackets", [](std::size_t n) { return repeated("a]", n); }},
      {"opening brackets", [](std::size_t n) { return repeated("[a", n); }},
      {"nested brackets", [](std::size_t n) { return repeated("[", n / 2) + repeated("]", n / 2); }},
      {"link openers", [](std::size_t n) { return repeated("[a](", n); }},
      {"open link destinations", [](std::size_t n) { return repeated("[a](<b", n); }},
      {"open link titles", [](std::size_t n) { return repeated("[a](b \"c", n); }},
      {"brackets and parentheses", [](std::size_t n) { return repeated("[ (](", n); }},
      {"brackets and underscores", [](std::size_t n) { return repeated("[ a_", n); }},
      {"empty links", [](std::size_t n) { return repeated("[a]()", n); }},
      {"links in links", [](std::size_t n) { return repeated("**x [a*b**c*](d)", n); }},
      {"definitions", [](std::size_t n) { return counted("[", "]: u\n\n", n); }},
      {"definitions and their uses",
       [](std::size_t n) { return counted("[", "]: u\n", n / 2) + "\n" + counted("[", "] ", n / 2 - 1); }},
      {"one long definition, used often",
       [](std::size_t n) { return "[a]: " + repeated("u", n / 2) + "\n\n" + repeated("[a]", n / 2 - 10); }},
      {"backticks in growing runs",
       [](std::size_t n) {
         std::string text;
         for (std::size_t run = 1; text.size() + run + 1 < n; ++run)
           text += "e" + std::string(run, '`');
         return text;
       }},
      {"open comments", [](std::size_t n) { return "a " + repeated("<!--", n - 2); }},
      {"open declarations", [](std::size_t n) { return repeated("a <!A ", n); }},
      {"open instructions", [](std::size_t n) { return repeated("a <?", n); }},
      {"open cdata", [](std::size_t n) { return repeated("a <![CDATA[", n); }},
      {"open tags", [](std::size_t n) { return repeated("<a b=\"", n); }},
      {"open frames", [](std::size_t n) { return repeated("<iframe src=\"https://a", n); }},
      {"frames", [](std::size_t n) { return repeated("<iframe src=https://a>", n); }},
      {"entities", [](std::size_t n) { return repeated("&amp;&#9;&", n); }},
      {"backslashes", [](std::size_t n) { return repeated("\\", n); }},
      {"escapes that are marked", [](std::size_t n) { return repeated("\\~\\[", n); }},
      {"nul octets", [](std::size_t n) { return std::string(n, '\0'); }},
      {"tildes", [](std::size_t n) { return repeated("~~a", n); }},
      {"tildes everywhere", [](std::size_t n) { return repeated("~", n); }},
      {"wide table, short rows", [](std::size_t n) { return table(n / 8, "|\n", n); }},
      {"200 columns, short rows", [](std::size_t n) { return table(200, "|\n", n); }},
      {"small tables", [](std::size_t n) { return repeated("|a|\n|-|\n|b|\n\n", n); }},
      {"dashes", [](std::size_t n) { return repeated("|-|\n", n); }},
      {"pipes", [](std::size_t n) { return repeated("|", n); }},
      {"footnotes",
       [](std::size_t n) { return counted("[^", "]: a\n", n / 2) + "\n" + counted("[^", "]", n / 2 - 1); }},
      {"one footnote, used often", [](std::size_t n) { return "[^a]: b\n\n" + repeated("[^a]", n - 10); }},
      {"footnotes that use each other", [](std::size_t n) { return "x[^a]\n\n[^a]: " + repeated("[^a]", n - 20); }},
      {"open footnotes", [](std::size_t n) { return repeated("[^a", n); }},
      {"headings of one name", [](std::size_t n) { return repeated("# a\n", n); }},
      {"headings that take each other's anchor", [](std::size_t n) { return counted("# a-", "\n# a\n", n); }},
      {"one long heading", [](std::size_t n) { return "# " + repeated("é ", n - 2); }},
      {"empty headings", [](std::size_t n) { return repeated("#\n", n); }},
      {"tasks", [](std::size_t n) { return repeated("- [ ] a\n", n); }},
      {"code blocks", [](std::size_t n) { return repeated("```ex\n```\n", n); }},
      {"marked lines", [](std::size_t n) { return "```ex {1-1000}\n" + repeated("\n", n - 20); }},
      {"callouts", [](std::size_t n) { return repeated("> [!NOTE]\n\n", n); }},
      {"more", [](std::size_t n) { return repeated("<!-- more -->\n\n", n); }},
      {"long words", [](std::size_t n) { return repeated("a", n); }},
      {"rules", [](std::size_t n) { return repeated("***\n", n); }},
      {"angle brackets", [](std::size_t n) { return repeated("<", n); }},
      {"mail addresses", [](std::size_t n) { return repeated("<a@b", n); }},
      {"hard breaks", [](std::size_t n) { return repeated("a\\\n", n); }},
  };
  return families;
}

} // namespace lyceum::tests
