using System.Text.RegularExpressions;
using Sync.Contracts;
using Sync.HostileTests.Reference;
using Sync.HostileTests.Run;
using Sync.ReplicaHost;
using Sync.Transport;

namespace Sync.HostileTests.Targets;

/// <summary>Names of vaults, groups, collections, keys, and idempotency keys: exactly what the protocol allows.</summary>
internal sealed class NameTarget : Target
{
    public override string Name => "names";

    public override int Weight => 24;

    public override IEnumerable<byte[]> Seeds() => new[]
    {
        "acme", "pypi--django", "a--b--c", "a---b", "_state", "a-", "a--", "--a", "a--_", ".hidden", "x.y", new string('n', 128), new string('n', 129),
        "CVE-2026-1", "a.b/* >", "名前", "😀", new string('é', 256), new string('k', 512), "a\r\nb", "..", "../../etc/passwd", "C:\\x", "%2e%2e", "",
    }.Select(TextOf.Of).Append([0xfe, 0x00, 0xd8]).Append([0xfe, 0x3d, 0xd8, 0x00, 0xde]);

    public override string? Read(ReadOnlySpan<byte> input)
    {
        var text = TextOf.Bytes(input);
        Names.CheckGroup(text);
        Names.CheckIdempotencyKey(text);
        Names.CheckKey(text);
        return Names.CheckVault(text) ?? Names.CheckCollection(text);
    }

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        var text = TextOf.Bytes(input);
        Hold(Names.CheckVault(text) is null == NaiveNames.IsVault(text), "another rule of vaults");
        Hold(Names.CheckGroup(text) is null == NaiveNames.IsGroup(text), "another rule of groups");
        Hold(Names.CheckCollection(text) is null == NaiveNames.IsName(text), "another rule of collections");
        Hold(Names.CheckKey(text) is null == NaiveNames.IsKey(text), "another rule of keys");
        Hold(Names.CheckIdempotencyKey(text) is null == NaiveNames.IsKey(text, 128), "another rule of idempotency keys");
        Hold(Scopes.Check(SyncedPattern.OfVault(text)) is null == NaiveNames.IsVault(text), "another rule of followed vaults");
        Hold(Scopes.Check(SyncedPattern.OfGroup(text)) is null == NaiveNames.IsGroup(text), "another rule of followed groups");
        if (NaiveNames.IsVault(text)) Hold(!text.Contains("..", StringComparison.Ordinal) || text[0] != '.', "a name that leads upwards");
    }
}

/// <summary>Cursors of changefeeds: a place has exactly one text.</summary>
internal sealed partial class CursorTarget : Target
{
    private FeedPosition _cursor;

    public override string Name => "cursor";

    public override int Weight => 16;

    public override IEnumerable<byte[]> Seeds() => new[]
    {
        "0-0-0", "3-8007199254740991-1234567", "1023-9223372036854775807-9223372036854775807", "1024-1-1", "1-9223372036854775808-1", "01-1-1", "1-1", "1-1-1-1", "--",
        "1- 1-1", "1-+1-1", "-1-1-1",
    }.Select(TextOf.Of);

    public override string? Read(ReadOnlySpan<byte> input) => FeedCursor.TryParse(TextOf.Bytes(input), out _cursor) ? null : "no cursor";

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        var text = TextOf.Bytes(input);
        if (error is null) Hold(FeedCursor.ToText(_cursor) == text, "the cursor has another text");
        var match = Form().Match(text);
        var isCursor = match.Success && int.Parse(match.Groups["feed"].ValueSpan) < Feeds.CountMax
            && UInt128.Parse(match.Groups["history"].ValueSpan) <= long.MaxValue && UInt128.Parse(match.Groups["position"].ValueSpan) <= long.MaxValue;
        Hold(isCursor == error is null, "another rule of cursors");
    }

    [GeneratedRegex(@"^(?<feed>0|[1-9][0-9]{0,3})-(?<history>0|[1-9][0-9]{0,18})-(?<position>0|[1-9][0-9]{0,18})\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Form();
}

/// <summary>Trace contexts: what passes goes into other systems' traces as it is.</summary>
internal sealed partial class TraceTarget : Target
{
    public override string Name => "traceparent";

    public override IEnumerable<byte[]> Seeds() => new[]
    {
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", "00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    }.Select(TextOf.Of);

    public override string? Read(ReadOnlySpan<byte> input)
    {
        var text = TextOf.Bytes(input);
        // Whoever gets a trace looks at it in this way too.
        Tracing.IsSampled(text);
        return TraceContext.IsWellFormed(text) ? null : "no trace context";
    }

    public override void Judge(ReadOnlySpan<byte> input, string? error) =>
        Hold(Form().IsMatch(TextOf.Bytes(input)) == error is null, "another rule of trace contexts");

    // Version 00; ids of nothing but zeros are invalid (W3C Trace Context, 3.2.2).
    [GeneratedRegex("^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}\\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Form();
}

/// <summary>Prefixes of subjects from the configuration: what starts gives subjects that every bus takes.</summary>
internal sealed class PrefixTarget : Target
{
    private SubjectOptions? _options;

    public override string Name => "subject-prefix";

    public override int Weight => 4;

    public override IEnumerable<byte[]> Seeds() =>
        new[] { "synced", "a.b", "sync", "sync.own", "synced.>", "*", "a b", "", new string('p', 64), new string('p', 65), "a\r\nb" }.Select(TextOf.Of);

    public override string? Read(ReadOnlySpan<byte> input)
    {
        _options = new SubjectOptions { SyncedPrefix = TextOf.Bytes(input) };
        var bus = new BusOptions { Url = "nats://127.0.0.1:4222", InboxPrefix = "_INBOX." + _options.SyncedPrefix };
        try
        {
            _options.Validate();
            bus.Validate();
            return null;
        }
        catch (SyncException refused) when (refused.Code == SyncErrorCode.Invalid)
        {
            return "not a prefix";
        }
    }

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        if (error is not null) return;
        var subjects = new Subjects(_options!);
        var key = new SyncedKey("pypi--django", "x.y", "a.b/* >");
        Hold(SubjectRules.Check(subjects.Of(key)) is null, "it makes subjects that no bus takes");
        Hold(subjects.TryParse(subjects.Of(key), out var read) && read == key, "it makes subjects that mean another key");
        Hold(!subjects.TryParseRequest(subjects.Of(key), out _), "an envelope's subject is read as a request");
    }
}
