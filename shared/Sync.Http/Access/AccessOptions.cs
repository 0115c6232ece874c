using Microsoft.Extensions.Configuration;
using Sync.Access;
using Sync.Contracts;
using Sync.Hosting;

namespace Sync.Http.Access;

/// <summary>How a service tells its callers apart: section <c>Sync:Access</c>. With tokens unless <see cref="Open"/>.</summary>
public sealed record AccessOptions
{
    private const int IssuedMax = 16;

    /// <summary>The section.</summary>
    public const string Section = "Sync:Access";

    /// <summary>True: no tokens, everybody who reaches the service may do everything, so it listens on loopback only. For one
    /// machine and one person. Default false.</summary>
    public bool Open { get; init; }

    /// <summary>SHA-256 of the root token's text, 64 hexadecimal digits: <c>sync token root</c> makes one. The root token
    /// may manage tokens and operate, nothing else.</summary>
    public string? AdminTokenHash { get; init; }

    /// <summary>A file that holds the hash instead.</summary>
    public string? AdminTokenHashFile { get; init; }

    /// <summary>Tokens of services that must be good before anybody can make one: at most 16, each by its hash. A token that
    /// people use is made by <c>sync token create</c>: that one expires, and can be revoked without a restart.</summary>
    public IReadOnlyList<IssuedToken> Issued { get; init; } = [];

    /// <summary>How long known tokens are honoured while changes of tokens cannot be read; then everybody but the root
    /// token gets 503. Default 1 min; 5 s..1 h.</summary>
    public TimeSpan StaleMax { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Between two reads of changes of tokens when none is heard of. Default 1 s; 100 ms..20 s, and at most a third of
    /// <see cref="StaleMax"/>.</summary>
    public TimeSpan PollEvery { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Times of what keeps tokens current.</summary>
    public TokenFollowerOptions Following => new(PollEvery, StaleMax);

    /// <summary>Reads and checks the section.</summary>
    /// <exception cref="StartupException">Something is wrong, or it is not said who may come in.</exception>
    public static AccessOptions Read(IConfiguration configuration) =>
        Settings.Read(configuration, Section, new AccessOptions(), static (options, checks) => options.Check(checks));

    /// <summary>A guard by these settings.</summary>
    /// <exception cref="StartupException">The file with the hash cannot be read, or holds none.</exception>
    public AccessGuard ToGuard(TimeProvider time) =>
        Open ? AccessGuard.Open(time) : AccessGuard.OfTokens(
            new AccessBook(), [.. Issued.Select(one => one.ToIdentity()), new(ReadHash(), AccessIdentity.Root)], StaleMax, time);

    private void Check(SettingChecks checks)
    {
        checks.Range(nameof(StaleMax), StaleMax, TimeSpan.FromSeconds(5), TimeSpan.FromHours(1));
        checks.Range(nameof(PollEvery), PollEvery, TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(20));
        if (Issued.Count > IssuedMax) checks.Add(nameof(Issued), $"names {Issued.Count} tokens; must be at most {IssuedMax}");
        foreach (var one in Issued)
            if (one.Check() is { } wrong) checks.Add(nameof(Issued), $"has '{one.Label}', which {wrong}");
        if (Issued.DistinctBy(one => one.Hash, StringComparer.OrdinalIgnoreCase).Count() < Issued.Count)
            checks.Add(nameof(Issued), "has a hash twice; give each service a token of its own");
        if (PollEvery * 3 > StaleMax)
            checks.Add(nameof(PollEvery), $"is {PollEvery}; must be at most a third of StaleMax, which is {StaleMax}");
        var given = (AdminTokenHash is null ? 0 : 1) + (AdminTokenHashFile is null ? 0 : 1);
        if (Open && given > 0) checks.Add(nameof(Open), "is true and a hash of a root token is given; choose one");
        else if (given > 1) checks.Add(nameof(AdminTokenHash), "and AdminTokenHashFile are both given; choose one");
        else if (!Open && given == 0) checks.Add(
            $"{Section}:AdminTokenHash is missing: nobody could come in. Make a root token with 'sync token root' and give its "
            + $"hash (or {Section}:AdminTokenHashFile), or set {Section}:Open=true to let everybody on this machine read and write");
        // The value may be a token that was pasted by mistake: it is not shown.
        else if (AdminTokenHash is not null && !IsHash(AdminTokenHash)) checks.Add(
            nameof(AdminTokenHash), "is not 64 hexadecimal digits; give the hash that 'sync token root' printed, not the token");
    }

    private Hash256 ReadHash()
    {
        if (AdminTokenHash is not null) return new Hash256(Convert.FromHexString(AdminTokenHash));
        string text;
        try
        {
            text = File.ReadAllText(AdminTokenHashFile!).Trim();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw Wrong($"{Section}:AdminTokenHashFile is {AdminTokenHashFile}; it cannot be read: {error.Message}");
        }
        return IsHash(text) ? new Hash256(Convert.FromHexString(text)) : throw Wrong(
            $"{Section}:AdminTokenHashFile is {AdminTokenHashFile}; it does not hold 64 hexadecimal digits and nothing else");
    }

    internal static bool IsHash(string text) => text.Length == 2 * Hash256.Size && text.All(char.IsAsciiHexDigit);

    private static StartupException Wrong(string message) => new(ExitCodes.Configuration, message);
}
