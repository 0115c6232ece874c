using System.Buffers;
using System.Globalization;
using System.Text;
using Sync.Contracts;

namespace Sync.Client.Changefeeds;

/// <summary>A block of an event stream. Unlike in a browser, one without data counts: it moves the cursor.</summary>
internal sealed record EventBlock(string? Id, string? Name, byte[] Data);

/// <summary>Cuts the bytes of an event stream into blocks, however they arrive. Bounded: a longer block is an error.</summary>
internal sealed class EventBlocks(int blockBytesMax)
{
    private readonly ArrayBufferWriter<byte> _line = new(256);
    private readonly ArrayBufferWriter<byte> _data = new(1024);
    private readonly Queue<EventBlock> _blocks = [];
    private string? _id;
    private string? _name;
    private bool _endedInReturn;

    /// <summary>What the server wants a client to wait before it comes back; null = nothing was said.</summary>
    public TimeSpan? Retry { get; private set; }

    public bool TryTake(out EventBlock block) => _blocks.TryDequeue(out block!);

    /// <exception cref="SyncException">A block is over the bound.</exception>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        // Carriage return and line feed together are one line end, also when they arrive apart.
        if (_endedInReturn && !bytes.IsEmpty && bytes[0] == '\n') bytes = bytes[1..];
        _endedInReturn = false;
        while (!bytes.IsEmpty)
        {
            var end = bytes.IndexOfAny((byte)'\r', (byte)'\n');
            _line.Write(end < 0 ? bytes : bytes[..end]);
            if (_line.WrittenCount + _data.WrittenCount > blockBytesMax)
                throw new SyncException(SyncErrorCode.Corrupt, $"the writer sent a block of more than {blockBytesMax} bytes");
            if (end < 0) return;
            TakeLine(_line.WrittenSpan);
            _line.ResetWrittenCount();
            var isReturn = bytes[end] == '\r';
            bytes = bytes[(end + 1)..];
            if (!isReturn) continue;
            if (bytes.IsEmpty) _endedInReturn = true;
            else if (bytes[0] == '\n') bytes = bytes[1..];
        }
    }

    private void TakeLine(ReadOnlySpan<byte> line)
    {
        if (line.IsEmpty)
        {
            EndBlock();
            return;
        }
        var colon = line.IndexOf((byte)':');
        if (colon == 0) return;
        var field = colon < 0 ? line : line[..colon];
        var value = colon < 0 ? default : line[(colon + 1)..];
        if (!value.IsEmpty && value[0] == ' ') value = value[1..];
        if (field.SequenceEqual("data"u8))
        {
            _data.Write(value);
            _data.Write("\n"u8);
        }
        else if (field.SequenceEqual("id"u8)) _id = Encoding.UTF8.GetString(value);
        else if (field.SequenceEqual("event"u8)) _name = Encoding.UTF8.GetString(value);
        else if (field.SequenceEqual("retry"u8)
            && int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds))
            Retry = TimeSpan.FromMilliseconds(milliseconds);
    }

    private void EndBlock()
    {
        if (_id is not null || _name is not null || _data.WrittenCount > 0)
            _blocks.Enqueue(new EventBlock(_id, _name, _data.WrittenCount == 0 ? [] : _data.WrittenSpan[..^1].ToArray()));
        (_id, _name) = (null, null);
        _data.ResetWrittenCount();
    }
}
