using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;

namespace Sync.Benchmarks.Bulk;

/// <summary>One <c>POST /v1/batch</c> of any length over a connection of its own: lines go out while answers come in, as the
/// door means it. (<c>HttpClient</c> sends all before it reads, and would stop when the answers fill the socket.)</summary>
internal static class Upload
{
    /// <summary>Completes when every line was answered. By what, the caller sees in the tables.</summary>
    /// <exception cref="InvalidOperationException">The door refused the request, or did not answer all of it.</exception>
    public static async Task RunAsync(string url, ReadOnlyMemory<byte> lines, int count)
    {
        var uri = new Uri(url);
        using var client = new TcpClient();
        await client.ConnectAsync(uri.Host, uri.Port);
        await using var stream = client.GetStream();
        var head = string.Create(
            CultureInfo.InvariantCulture,
            $"POST /v1/batch HTTP/1.1\r\nHost: {uri.Authority}\r\nContent-Type: application/x-ndjson\r\n"
            + $"Content-Length: {lines.Length}\r\n\r\n");
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head));
        var sending = stream.WriteAsync(lines).AsTask();
        await ReadAsync(PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 1 << 16)), count);
        await sending;
    }

    private static async Task ReadAsync(PipeReader reader, int count)
    {
        var answers = new Answers();
        while (answers.Lines < count)
        {
            var read = await reader.ReadAsync();
            var rest = read.Buffer;
            answers.Take(ref rest);
            reader.AdvanceTo(rest.Start, rest.End);
            if (read.IsCompleted && answers.Lines < count)
                throw new InvalidOperationException($"void: the answer ended after {answers.Lines} of {count} lines");
        }
        await reader.CompleteAsync();
    }

    /// <summary>The head, then chunks: a size in hexadecimal digits, the bytes, an empty line.</summary>
    private sealed class Answers
    {
        private bool _isHeadRead;
        private long _leftInChunk;

        public int Lines { get; private set; }

        public void Take(ref ReadOnlySequence<byte> bytes)
        {
            var reader = new SequenceReader<byte>(bytes);
            while (_leftInChunk > 0 ? TakeChunk(ref reader) : TakeHead(ref reader))
            {
            }
            bytes = bytes.Slice(reader.Position);
        }

        // A line of the head of the answer or of a chunk.
        private bool TakeHead(ref SequenceReader<byte> reader)
        {
            if (!reader.TryReadTo(out ReadOnlySequence<byte> line, "\r\n"u8)) return false;
            var text = Encoding.ASCII.GetString(line);
            if (_isHeadRead && text.Length > 0) _leftInChunk = long.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            else if (text.StartsWith("HTTP/", StringComparison.Ordinal) && !text.Contains(" 200 ", StringComparison.Ordinal))
                throw new InvalidOperationException("void: the door answers " + text);
            else _isHeadRead = _isHeadRead || text.Length == 0;
            return true;
        }

        private bool TakeChunk(ref SequenceReader<byte> reader)
        {
            var span = reader.UnreadSpan;
            if (span.Length > _leftInChunk) span = span[..(int)_leftInChunk];
            if (span.IsEmpty) return false;
            Lines += span.Count((byte)'\n');
            _leftInChunk -= span.Length;
            reader.Advance(span.Length);
            return true;
        }
    }
}
