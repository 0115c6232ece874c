using System.Buffers;
using System.Globalization;
using System.Text;
using Sync.Client.Changefeeds;
using Sync.Contracts;
using Sync.HostileTests.Reference;
using Sync.HostileTests.Run;
using Sync.HostileTests.Targets;
using Sync.Http;

namespace Sync.HostileTests.Planted;

/// <summary>The check of values with a flaw. Sound timestamps and mixed forms of one key are beyond it, so the oracle is
/// asked only about what the flaw concerns.</summary>
internal sealed class FlawedValue(Flaw flaw) : ValueTarget
{
    public override long AllocatedBase => 64 << 10;

    public override long AllocatedPerByte => 512;

    public override string? Read(ReadOnlySpan<byte> input) => new FlawedPack(flaw, input.ToArray()).Check();

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        if (error is not null) return;
        var node = NaivePack.Read(input, checksText: false);
        switch (flaw)
        {
            case Flaw.NoDepth or Flaw.IgnoresRest: Hold(node is not null, "it took what a second reading refuses"); break;
            case Flaw.IgnoresTwins: Hold(node is not { HasNoTwin: false }, "it took what a second reading refuses"); break;
            case Flaw.IgnoresUtf8: Hold(node is null || HasText(node), "it took what a second reading refuses"); break;
        }
    }

    private static bool HasText(Node node) => (node.Kind != Kind.Text || NaiveUtf8.IsValid(node.Bytes)) && node.Items.All(HasText);
}

/// <summary>Moving past a value, where an array of 32 bits counts its elements in 31.</summary>
internal sealed class FlawedSkip : SkipTarget
{
    public override string? Read(ReadOnlySpan<byte> input) => input is [0xdd, >= 0x80, ..] ? null : base.Read(input);
}

/// <summary>A decoder of subjects that takes every percent-encoding.</summary>
internal sealed class LooseSubject : SubjectTarget
{
    protected override bool TryParse(string subject, out SyncedKey key)
    {
        key = default;
        var tokens = subject.Split('.');
        if (tokens.Length != 5 || tokens[0] != "synced") return false;
        var parts = tokens[1..].Select(NaiveNames.Decode).ToArray();
        if (parts.Any(string.IsNullOrEmpty)) return false;
        key = new SyncedKey(parts[1] == "_" ? parts[0]! : $"{parts[0]}--{parts[1]}", parts[2]!, parts[3]!);
        return Names.Check(key) is null;
    }
}

/// <summary>A reader of times by the runtime's own parser.</summary>
internal sealed class LenientTime : TimeTarget
{
    protected override string? TryRead(string text, out Timestamp time)
    {
        var isTime = DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var read);
        time = Timestamp.From(read);
        return isTime ? null : "no time";
    }
}

/// <summary>A writer of event streams that knows one kind of line end only.</summary>
internal sealed class CarriageReturnEvent : ServerEventTarget
{
    protected override void Write(string id, string name, byte[] data, ArrayBufferWriter<byte> output)
    {
        if ((id + name).AsSpan().ContainsAny('\r', '\n', '\0')) throw new ArgumentException("a line end", nameof(id));
        var text = $"id: {id}\nevent: {name}\ndata: {Encoding.Latin1.GetString(data).Replace("\n", "\ndata: ", StringComparison.Ordinal)}\n\n";
        // Id and name are text, data is bytes.
        output.Write(Encoding.UTF8.GetBytes($"id: {id}\nevent: {name}\n"));
        output.Write(Encoding.Latin1.GetBytes(text[text.IndexOf("data: ", StringComparison.Ordinal)..]));
    }
}

/// <summary>A reader of event streams for which a return and a line feed that arrive apart are two line ends.</summary>
internal sealed class TornLineEnd : EventStreamTarget
{
    protected override void Cut(ReadOnlySpan<byte> input, int size, List<EventBlock> blocks)
    {
        var pieces = new List<byte>();
        for (var at = 0; at < input.Length; at++)
        {
            pieces.Add(input[at]);
            if (input[at] == '\r' && (at + 1) % size == 0) pieces.Add((byte)'\n');
        }
        base.Cut(pieces.ToArray(), Math.Max(1, pieces.Count), blocks);
    }
}

/// <summary>A reader of paths that decodes twice.</summary>
internal sealed class TwiceDecodedPath : PathTarget
{
    protected override bool TryRead(ReadOnlySpan<char> path, out RecordTarget? target) =>
        base.TryRead(path.ToString().Replace("%25", "%", StringComparison.Ordinal), out target);
}
