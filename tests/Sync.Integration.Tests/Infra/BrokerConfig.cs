using System.Text.RegularExpressions;
using Sync.Testing;

namespace Sync.Integration.Tests.Infra;

/// <summary>What the shipped infra/nats/nats.conf says of users, read from its text: who there is, and every
/// grant.</summary>
internal sealed partial class BrokerConfig
{
    private readonly Dictionary<string, (string[] Publish, string[] Subscribe)> _grants = new(StringComparer.Ordinal);

    private BrokerConfig(string text)
    {
        var roles = Role().Matches(text).ToDictionary(
            match => match.Groups["name"].Value, match => match.Groups["block"].Value, StringComparer.Ordinal);
        foreach (Match user in User().Matches(text))
        {
            var block = roles[user.Groups["role"].Value];
            _grants.Add(user.Groups["name"].Value, (Allowed(block, "publish"), Allowed(block, "subscribe")));
        }
        PasswordVariables = [.. Variable().Matches(text)
            .Select(match => match.Groups["name"].Value).Distinct(StringComparer.Ordinal)];
    }

    public static BrokerConfig Shipped { get; } = new(Text);

    private static string Text => File.ReadAllText(RepoRoot.Combine("infra/nats/nats.conf"));

    /// <summary>The file without its listen address, with one password for all users.</summary>
    public static string WithPassword(string password) =>
        Variable().Replace(Listen().Replace(Text, ""), "password: " + password);

    public IReadOnlyCollection<string> Users => _grants.Keys;

    /// <summary>Variables that the file takes passwords from.</summary>
    public IReadOnlyList<string> PasswordVariables { get; }

    public IReadOnlyList<string> MayPublish(string user) => _grants[user].Publish;

    public IReadOnlyList<string> MaySubscribe(string user) => _grants[user].Subscribe;

    private static string[] Allowed(string block, string half)
    {
        var list = Regex.Match(
            block, half + @":\s*\{\s*allow:\s*\[(?<list>[^\]]*)\]", RegexOptions.None, TimeSpan.FromSeconds(1));
        return list.Success
            ? [.. Quoted().Matches(list.Groups["list"].Value).Select(match => match.Groups["text"].Value)]
            : [];
    }

    [GeneratedRegex(
        @"^  (?<name>[A-Z]+): \{\n(?<block>.*?)^  \}", RegexOptions.Multiline | RegexOptions.Singleline, 1000)]
    private static partial Regex Role();

    [GeneratedRegex(@"\{ user: (?<name>\w+), password: \$\w+, permissions: \$(?<role>\w+) \}", RegexOptions.None, 1000)]
    private static partial Regex User();

    [GeneratedRegex("^listen: .*$", RegexOptions.Multiline, 1000)]
    private static partial Regex Listen();

    [GeneratedRegex(@"password: \$(?<name>\w+)", RegexOptions.None, 1000)]
    private static partial Regex Variable();

    [GeneratedRegex("\"(?<text>[^\"]+)\"", RegexOptions.None, 1000)]
    private static partial Regex Quoted();
}
