using System.Buffers;
using System.Text;
using Sync.Client.Changefeeds;
using Sync.Contracts;
using Sync.HostileTests.Run;
using Sync.Hosting;
using Sync.MessagePack;
using Sync.Tests.MessagePack;

namespace Sync.HostileTests.Targets;

/// <summary>Event streams as the client reads them: the same blocks in pieces of any size, as a plain split has them; and
/// what a block says is an item or an error of its one kind.</summary>
internal class EventStreamTarget : Target
{
    private readonly List<EventBlock> _blocks = [];

    public override string Name => "event-stream";

    public override int Weight => 8;

    public override long AllocatedBase => 128 << 10;

    public override byte[][] Words { get; } =
        [.. new[] { "id: 3-7-9\n", "event: change\n", "event: reset\n", "event: dropped\n", "data: ", "retry: 100\n", ":\n\n", "\r\n\r\n", "\r", "\n\n" }.Select(TextOf.Of)];

    public override IEnumerable<byte[]> Seeds()
    {
        var envelope = Encoding.UTF8.GetString(Samples.Bytes(to => JsonEnvelopeCodec.Default.Encode(Samples.Envelope(), to)));
        return new[]
        {
            $"retry: 1000\n\nid: 3-8007199254740991-1234567\nevent: change\ndata: {envelope}\n\n",
            "id: 3-7-9\n\n:\n\nid: 3-7-10\nevent: later\ndata: x\n\n",
            "id: 3-7-9\nevent: reset\ndata: {\"reason\":\"expired\",\"head\":\"3-7-9\"}\n\n",
            "id: 3-7-9\r\nevent: dropped\r\ndata: {\"after\":\"3-7-1\",\r\ndata: \"next\":\"3-7-9\"}\r\n\r\n",
            "id: x\nevent: change\ndata\n\n", "id:3-7-9\revent:reset\rdata:{}\r\r", "data:\n\ndata\n\n",
        }.Select(TextOf.Of);
    }

    public override string? Read(ReadOnlySpan<byte> input)
    {
        _blocks.Clear();
        try
        {
            Cut(input, Math.Max(1, input.Length), _blocks);
            foreach (var block in _blocks) FeedBlocks.Read(block);
        }
        catch (SyncException refused) when (refused.Code == SyncErrorCode.Corrupt)
        {
            return refused.Message;
        }
        return _blocks.Count == 0 ? "no block" : null;
    }

    protected virtual void Cut(ReadOnlySpan<byte> input, int size, List<EventBlock> blocks)
    {
        var cutter = new EventBlocks(8 << 10);
        for (; !input.IsEmpty; input = input[Math.Min(size, input.Length)..])
        {
            cutter.Append(input[..Math.Min(size, input.Length)]);
            while (cutter.TryTake(out var block)) blocks.Add(block);
        }
    }

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        if (error?.Contains("block of more", StringComparison.Ordinal) == true) return;
        var pieces = new List<EventBlock>();
        Cut(input, 1 + (input.Length % 5), pieces);
        Hold(Same(pieces.Select(Show), _blocks.Select(Show)), "in pieces it has other blocks");
        Hold(Same(NaiveBlocks(input), _blocks.Select(Show)), "a plain split has other blocks");
    }

    private static string Show(EventBlock block) => $"{block.Id}|{block.Name}|{Encoding.Latin1.GetString(block.Data)}";

    private static List<string> NaiveBlocks(ReadOnlySpan<byte> input)
    {
        var blocks = new List<string>();
        string? id = null, name = null, data = null;
        var lines = Encoding.Latin1.GetString(input).Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n').Split('\n');
        foreach (var line in lines[..^1])
        {
            if (line.Length == 0)
            {
                if ((id ?? name ?? data) is not null) blocks.Add($"{id}|{name}|{data}");
                (id, name, data) = (null, null, null);
            }
            var cut = line.Split(':', 2);
            var value = cut.Length == 1 ? "" : cut[1].StartsWith(' ') ? cut[1][1..] : cut[1];
            if (cut[0] == "data") data = data is null ? value : data + "\n" + value;
            if (cut[0] == "id") id = Utf8(value);
            if (cut[0] == "event") name = Utf8(value);
        }
        return blocks;
    }

    private static string Utf8(string latin) => Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(latin));
}

/// <summary>Blocks that a service writes from data of others: whatever is in id, name and data, it stays one block.</summary>
internal class ServerEventTarget : Target
{
    private byte[] _written = [];

    public override string Name => "server-event";

    public override int Weight => 8;

    public override long AllocatedBase => 32 << 10;

    public override IEnumerable<byte[]> Seeds() => new[]
    {
        "3-7-9|change|{\"a\":1}", "3-7-9|change|a\nb\r\nc\rd", "x\nid: 1|a|b", "1|a\revent: reset|b", "1|a|\n\nid: 9\nevent: reset\ndata: x\n\n", "||", "1||\r", "1||\r\n",
    }.Select(TextOf.Of);

    public override string? Read(ReadOnlySpan<byte> input)
    {
        var (id, name, data) = Parts(input);
        try
        {
            var output = new ArrayBufferWriter<byte>(256);
            Write(id, name, data, output);
            _written = output.WrittenSpan.ToArray();
            return null;
        }
        catch (ArgumentException)
        {
            return "a line end in id or name";
        }
    }

    protected virtual void Write(string id, string name, byte[] data, ArrayBufferWriter<byte> output) =>
        new ServerEvent(id, name, data).WriteTo(output);

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        if (error is not null) return;
        var (id, name, data) = Parts(input);
        var blocks = new EventBlocks(64 << 10);
        blocks.Append(_written);
        Hold(blocks.TryTake(out var block) && !blocks.TryTake(out _), "it is not one block");
        Hold(block.Id == id && block.Name == name, "another id or name");
        var text = Encoding.Latin1.GetString(data).Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        Hold(Encoding.Latin1.GetString(block.Data) == text, "other data");
    }

    private static (string Id, string Name, byte[] Data) Parts(ReadOnlySpan<byte> input)
    {
        var first = input.IndexOf((byte)'|');
        if (first < 0) return ("1", "a", input.ToArray());
        var rest = input[(first + 1)..];
        var second = rest.IndexOf((byte)'|');
        return (Encoding.UTF8.GetString(input[..first]), Encoding.UTF8.GetString(second < 0 ? rest : rest[..second]),
            second < 0 ? [] : rest[(second + 1)..].ToArray());
    }
}
