using System.Text.RegularExpressions;
using Shouldly;
using Xunit;

namespace Sync.Tests.Architecture;

/// <summary>The docs name only what exists.</summary>
public sealed partial class DocsTests
{
    private static readonly string[] Roots = ["shared/", "services/", "tests/", "infra/", "docs/", ".ci/"];

    private static IEnumerable<string> Docs => Repository.Files.Where(
        file => file == "README.md"
            || (file.StartsWith("docs/", StringComparison.Ordinal) && file.EndsWith(".md", StringComparison.Ordinal))
            || (file.EndsWith("/README.md", StringComparison.Ordinal)));

    [Fact]
    public void Every_path_that_the_docs_name_exists()
    {
        Docs.ShouldNotBeEmpty();

        Repository.ShouldBeNone(
            from file in Docs
            from word in Words(file)
            where Roots.Any(root => word.StartsWith(root, StringComparison.Ordinal))
            where !Repository.Exists(word.TrimEnd('/'))
            select $"{file}: {word}",
            "The docs name a path that is not there:");
    }

    [Fact]
    public void Every_project_that_the_docs_name_exists() => Repository.ShouldBeNone(
        from file in Docs
        from word in Words(file)
        where ProjectName().IsMatch(word)
        where !ProjectFile.All.Any(project =>
            word == project.Name || word.StartsWith(project.Name + ".", StringComparison.Ordinal))
        select $"{file}: {word}",
        "The docs name a project that is not there:");

    [Fact]
    public void Every_link_inside_the_repository_leads_somewhere() => Repository.ShouldBeNone(
        from file in Docs
        from match in Link().Matches(Repository.Read(file))
        let target = match.Groups["path"].Value.Split('#')[0]
        where target.Length > 0 && !target.Contains(':', StringComparison.Ordinal)
        let folder = Path.GetDirectoryName(file) ?? ""
        where !Repository.Exists(Path.Combine(folder, target))
        select $"{file}: {target}",
        "A link leads nowhere:");

    /// <summary>
    /// Blank-separated words of everything in backticks and of fenced commands; patterns and placeholders are left out.
    /// </summary>
    private static IEnumerable<string> Words(string file) =>
        Code().Matches(Repository.Read(file))
            .SelectMany(match => match.Value.Split([' ', '\n', '`', ',', '(', ')', '"', '\'']))
            .Select(word => word.TrimEnd('.', ':', ';'))
            .Where(word => word.Length > 0 && word.IndexOfAny(['*', '<', '>', '{', '}', '$', '…']) < 0);

    [GeneratedRegex("```.*?```|`[^`\n]+`", RegexOptions.Singleline, 1000)]
    private static partial Regex Code();

    [GeneratedRegex(@"^Sync(\.[A-Z][A-Za-z]+)+$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ProjectName();

    [GeneratedRegex(@"\]\((?<path>[^)\s]+)\)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Link();
}
