using System.Globalization;
using System.Text;
using Sync.Contracts;
using Sync.HostileTests.Reference;
using Sync.HostileTests.Run;
using Sync.Tests.MessagePack;
using Sync.Transport;

namespace Sync.HostileTests.Targets;

/// <summary>Texts of bytes: as UTF-8, or as UTF-16 behind a byte 0xfe, so that lone surrogates occur too.</summary>
internal static class TextOf
{
    public static string Bytes(ReadOnlySpan<byte> input) => input.Length > 0 && input[0] == 0xfe
        ? Encoding.Unicode.GetString(input[1..]) is var text && text.Contains('\ufffd', StringComparison.Ordinal) ? Wide(input[1..]) : text
        : Encoding.UTF8.GetString(input);

    // Every pair of bytes is a character, valid or not.
    private static string Wide(ReadOnlySpan<byte> input)
    {
        var text = new StringBuilder();
        for (var at = 0; at + 1 < input.Length; at += 2) text.Append((char)(input[at] | (input[at + 1] << 8)));
        return text.ToString();
    }

    public static byte[] Of(string text) => Encoding.UTF8.GetBytes(text);
}

/// <summary>Subjects of envelopes: a key has exactly one, and what looks like one and is another is refused.</summary>
internal class SubjectTarget : Target
{
    private SyncedKey _key;

    public override string Name => "subject";

    public override int Weight => 24;

    public override byte[][] Words { get; } =
        [.. new[] { "synced.", ".", "acme._", "pypi.django", "%2E", "%2A", "%3E", "%25", "%20", "%C3%A9", "%F0%9F%98%80", "%41", "_", "--", "~" }.Select(TextOf.Of)];

    public override IEnumerable<byte[]> Seeds() => VectorFile.Vectors("subjects.json", "keys")
        .Select(vector => TextOf.Of(vector.Text("subject")!)).Where(bytes => bytes.Length < 2000);

    public override string? Read(ReadOnlySpan<byte> input) => TryParse(TextOf.Bytes(input), out _key) ? null : "no subject";

    protected virtual bool TryParse(string subject, out SyncedKey key) => Subjects.Default.TryParse(subject, out key);

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        var subject = TextOf.Bytes(input);
        if (error is null)
        {
            Hold(Subjects.Default.Of(_key) == subject, "the key has another subject");
            Hold(SubjectRules.Check(subject) is null, "no bus would carry it");
            Hold(Names.Check(_key) is null, "the key breaks the rules of names");
        }
        else
        {
            Hold(!IsSubject(subject), "it refused the one subject of a key");
        }
    }

    // The key that the tokens may mean has this very subject.
    private static bool IsSubject(string subject)
    {
        var tokens = subject.Split('.');
        if (tokens.Length != 5 || tokens[0] != "synced" || tokens.Any(token => token.Length == 0)) return false;
        var parts = tokens[1..].Select(NaiveNames.Decode).ToArray();
        if (parts.Any(part => part is null)) return false;
        var vault = parts[1] == "_" ? parts[0]! : $"{parts[0]}--{parts[1]}";
        return NaiveNames.IsVault(vault) && NaiveNames.IsName(parts[2]!) && NaiveNames.IsKey(parts[3]!)
            && subject == $"synced.{NaiveNames.Vault(vault)}.{NaiveNames.Encode(parts[2]!)}.{NaiveNames.Encode(parts[3]!)}";
    }
}

/// <summary>Subjects of requests: what is read is written the same.</summary>
internal sealed class RequestSubjectTarget : Target
{
    private RequestSubject _request;

    public override string Name => "request-subject";

    public override int Weight => 16;

    public override byte[][] Words { get; } =
        [.. new[] { "sync.get.", "sync.own.", "sync.vaults.", "sync.changes.", "sync.append.", "~", "_", "%2E", "--", "0", "1023", "1024" }.Select(TextOf.Of)];

    public override IEnumerable<byte[]> Seeds() => new[]
    {
        "sync.get.acme._.user.123", "sync.getmany.acme._", "sync.getmany.pypi.~", "sync.snapshot.pypi.django.advisory", "sync.snapshot.pypi.~.~",
        "sync.changes.acme._.user", "sync.changes.acme._.~", "sync.put.acme._.user.a%2Eb", "sync.vaults.pypi", "sync.history.pypi.django.x%2Ey.%C3%A9",
        "sync.own.0", "sync.own.1023", "sync.append.acme._.log", "sync.beat.3", "sync.get.acme._.user", "sync.own.01", "sync.append.acme.~.log",
    }.Select(TextOf.Of);

    public override string? Read(ReadOnlySpan<byte> input) =>
        Subjects.Default.TryParseRequest(TextOf.Bytes(input), out _request) ? null : "no request";

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        if (error is not null) return;
        var subject = TextOf.Bytes(input);
        Hold(Write(_request) == subject, "the request has another subject");
        Hold(SubjectRules.Check(subject) is null, "no bus would carry it");
    }

    private static string Write(RequestSubject request)
    {
        var subjects = Subjects.Default;
        return request.Kind switch
        {
            RequestKind.Get or RequestKind.Put or RequestKind.History => subjects.OfRequest(request.Kind, request.ToKey()),
            RequestKind.GetMany => request.Group is null ? subjects.OfGetMany(request.Vault!) : subjects.OfGroupGetMany(request.Group),
            RequestKind.Snapshot or RequestKind.Changes => subjects.OfScope(request.Kind, request.ToScope()),
            RequestKind.Append => subjects.OfRequest(request.Kind, request.Vault!, request.Collection!),
            RequestKind.Vaults => subjects.OfVaults(request.Group!),
            _ => string.Create(CultureInfo.InvariantCulture, $"sync.own.{request.Feed!.Value.Value}"),
        };
    }
}

/// <summary>What a bus takes as a subject or a filter; both of our doors say the same.</summary>
internal sealed class SubjectRuleTarget : Target
{
    public override string Name => "subject-rule";

    public override IEnumerable<byte[]> Seeds() =>
        new[] { "a.b.c", "synced.acme.*.user.>", "a.*.>", ">", "a..b", ".a", "a.", "a b", "a\r\nPUB x 1", "a.b*", "a.>.b", "é" }.Select(TextOf.Of);

    public override string? Read(ReadOnlySpan<byte> input) => SubjectRules.Check(TextOf.Bytes(input));

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        var subject = TextOf.Bytes(input);
        var tokens = subject.Split('.');
        var isPlain = subject.All(letter => letter is > ' ' and < '\u007f') && tokens.All(token => token.Length > 0);
        var isFilter = isPlain && tokens.Select((token, index) => !token.Contains('*', StringComparison.Ordinal) && !token.Contains('>', StringComparison.Ordinal)
            || token == "*" || (token == ">" && index == tokens.Length - 1)).All(isFine => isFine);
        var isSubject = isPlain && !subject.Contains('*', StringComparison.Ordinal) && !subject.Contains('>', StringComparison.Ordinal);
        var isShort = subject.Length <= SubjectRules.LengthMax;
        Hold(error is null == (isSubject && isShort), "the rule of subjects says otherwise");
        Hold(SubjectRules.CheckFilter(subject) is null == (isFilter && isShort), "the rule of filters says otherwise");
        Hold(Nats.Internal.Subjects.IsValidPublish(subject) == isSubject, "the client takes another subject");
        Hold(Nats.Internal.Subjects.IsValidSubscribe(subject) == isFilter, "the client takes another filter");
    }
}
