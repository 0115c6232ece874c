using System.Buffers;
using System.IO.Compression;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Sync.Cli.Import;

/// <summary>Lines of a file or of standard input (<c>-</c>), gzip recognised by its first two bytes. Memory is bounded by
/// one line and a read-ahead buffer.</summary>
internal sealed class ImportSource(Stream stream, long? length) : IAsyncDisposable
{
    /// <summary>Longest line, in bytes; a longer one is rejected and skipped.</summary>
    public const int LineBytesMax = 4 << 20;

    private static readonly byte[] TooLong = [];

    /// <summary>Size of the input as it lies there, for the progress bar; null for standard input.</summary>
    public long? Length => length;

    /// <summary>Bytes of the input read so far, before decompression.</summary>
    public long Read => stream is CountingStream counting ? counting.Count : 0;

    public static ImportSource Open(string path)
    {
        if (path == "-") return new ImportSource(new CountingStream(Console.OpenStandardInput()), null);
        var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, useAsync: true);
        return new ImportSource(new CountingStream(file), file.Length);
    }

    /// <summary>Every line that is not blank, with its number from 1. An empty array stands for a line that is too long.</summary>
    public async IAsyncEnumerable<(long Number, byte[] Line)> LinesAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        var raw = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 1 << 16));
        var first = await raw.ReadAtLeastAsync(2, cancellation).AsTask().WaitAsync(cancellation);
        var packed = first.Buffer.Length >= 2 && first.Buffer.Slice(0, 2).ToArray() is [0x1f, 0x8b];
        raw.AdvanceTo(first.Buffer.Start);
        var reader = packed
            ? PipeReader.Create(new GZipStream(raw.AsStream(), CompressionMode.Decompress), new StreamPipeReaderOptions(bufferSize: 1 << 16))
            : raw;
        var number = 0L;
        var skipping = false;
        while (true)
        {
            // A read of standard input does not hear of the end by itself.
            var read = await reader.ReadAsync(cancellation).AsTask().WaitAsync(cancellation);
            var rest = read.Buffer;
            while (TryTake(ref rest, read.IsCompleted, out var line))
            {
                number++;
                if (skipping) yield return (number, TooLong);
                else if (!IsBlank(line)) yield return (number, WithoutMark(number, line.ToArray()));
                skipping = false;
            }
            if (rest.Length > LineBytesMax)
            {
                skipping = true;
                rest = rest.Slice(rest.End);
            }
            reader.AdvanceTo(rest.Start, rest.End);
            if (read.IsCompleted) break;
        }
        if (skipping) yield return (number + 1, TooLong);
        await reader.CompleteAsync();
    }

    public ValueTask DisposeAsync() => stream.DisposeAsync();

    private static bool TryTake(ref ReadOnlySequence<byte> rest, bool last, out ReadOnlySequence<byte> line)
    {
        line = rest;
        if (rest.PositionOf((byte)'\n') is { } end)
        {
            line = rest.Slice(0, end);
            rest = rest.Slice(rest.GetPosition(1, end));
            return true;
        }
        if (!last || rest.IsEmpty) return false;
        rest = rest.Slice(rest.End);
        return true;
    }

    // Some programs begin a file with a byte order mark; it is no part of the first line.
    private static byte[] WithoutMark(long number, byte[] line) => number == 1 && line is [0xef, 0xbb, 0xbf, ..] ? line[3..] : line;

    private static bool IsBlank(ReadOnlySequence<byte> line)
    {
        foreach (var segment in line)
            if (segment.Span.ContainsAnyExcept(" \t\r"u8)) return false;
        return true;
    }

    // Counts what passes, so that progress is of the file as it lies there.
    private sealed class CountingStream(Stream inner) : Stream
    {
        private long _count;

        public long Count => Interlocked.Read(ref _count);

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => Count; set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var read = await inner.ReadAsync(buffer, cancellationToken);
            Interlocked.Add(ref _count, read);
            return read;
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            var read = inner.Read(buffer, offset, count);
            Interlocked.Add(ref _count, read);
            return read;
        }

        public override void Flush() { }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing) inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
