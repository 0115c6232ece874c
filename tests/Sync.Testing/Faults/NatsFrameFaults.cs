using System.Buffers;
using System.Buffers.Text;

namespace Sync.Testing.Faults;

/// <summary>
/// What happens to messages that a broker sends through a <see cref="FaultProxy"/>: those whose subject begins with <see
/// cref="Subject"/> are lost, doubled, delayed behind others or made unreadable, each by its chance. All else passes.
/// Give <see cref="NewFilter"/> to <see cref="FaultLane.Filter"/> of the direction to the client.
/// </summary>
/// <remarks>All state is under one lock: several connections may share these faults.</remarks>
public sealed class NatsFrameFaults(int seed)
{
    private readonly Lock _gate = new();
    private Random _chance = new(seed);

    /// <summary>First characters of the subjects that faults are for. Default: envelopes.</summary>
    public string Subject { get; set; } = "synced.";

    /// <summary>Chance, 0..1, that a message is lost.</summary>
    public double Drop { get; set; }

    /// <summary>Chance, 0..1, that a message comes twice.</summary>
    public double Duplicate { get; set; }

    /// <summary>Chance, 0..1, that a message comes behind the next one that is not delayed.</summary>
    public double Reorder { get; set; }

    /// <summary>Chance, 0..1, that the first byte of a message's payload becomes one that no MessagePack value begins with.</summary>
    public double Corrupt { get; set; }

    /// <summary>Messages that a fault was done to.</summary>
    public long Done { get; private set; }

    /// <summary>Draws again from the start of another seed.</summary>
    public void Reseed(int newSeed)
    {
        lock (_gate)
            _chance = new Random(newSeed);
    }

    /// <summary>No faults any more; messages that are held go on with the next bytes.</summary>
    public void Heal() => (Drop, Duplicate, Reorder, Corrupt, Subject) = (0, 0, 0, 0, "synced.");

    /// <summary>The filter of one connection.</summary>
    public IStreamFilter NewFilter() => new Frames(this);

    internal Fate Draw(ReadOnlySpan<byte> subject)
    {
        lock (_gate)
        {
            var fate = Fate.Pass;
            if (!System.Text.Ascii.Equals(subject[..Math.Min(subject.Length, Subject.Length)], Subject)) return fate;
            var draw = _chance.NextDouble();
            if ((draw -= Drop) < 0) fate = Fate.Drop;
            else if ((draw -= Duplicate) < 0) fate = Fate.Duplicate;
            else if ((draw -= Reorder) < 0) fate = Fate.Reorder;
            else if (draw - Corrupt < 0) fate = Fate.Corrupt;
            if (fate != Fate.Pass) Done++;
            return fate;
        }
    }

    internal enum Fate { Pass, Drop, Duplicate, Reorder, Corrupt }

    // "MSG subject sid [reply] size", "HMSG subject sid [reply] headers size": a line, then size bytes and CR LF. Other frames are a line.
    private sealed class Frames(NatsFrameFaults faults) : IStreamFilter
    {
        private readonly ArrayBufferWriter<byte> _kept = new();
        private readonly Queue<byte[]> _late = new();

        public void Pass(ReadOnlySpan<byte> bytes, IBufferWriter<byte> output)
        {
            _kept.Write(bytes);
            var rest = _kept.WrittenSpan;
            while (Next(rest, out var length, out var payload, out var subject))
            {
                Deliver(rest[..length], payload, rest[subject], output);
                rest = rest[length..];
            }

            var left = rest.ToArray();
            _kept.ResetWrittenCount();
            _kept.Write(left);
        }

        private void Deliver(ReadOnlySpan<byte> frame, int payload, ReadOnlySpan<byte> subject, IBufferWriter<byte> output)
        {
            switch (payload < 0 ? Fate.Pass : faults.Draw(subject))
            {
                case Fate.Drop:
                    return;
                case Fate.Reorder:
                    _late.Enqueue(frame.ToArray());
                    return;
                case Fate.Duplicate:
                    output.Write(frame);
                    break;
                case Fate.Corrupt when payload < frame.Length - 2:
                    var changed = frame.ToArray();
                    changed[payload] = 0xc1;
                    output.Write(changed);
                    return;
            }

            output.Write(frame);
            while (_late.TryDequeue(out var late)) output.Write(late);
        }

        /// <summary>The first whole frame; payload is where its payload begins (behind headers), or -1.</summary>
        private static bool Next(ReadOnlySpan<byte> bytes, out int length, out int payload, out Range subject)
        {
            (length, payload, subject) = (0, -1, default);
            var end = bytes.IndexOf("\r\n"u8);
            if (end < 0) return false;
            length = end + 2;
            var line = bytes[..end];
            var withHeaders = line.StartsWith("HMSG "u8);
            if (!withHeaders && !line.StartsWith("MSG "u8)) return true;
            var start = withHeaders ? 5 : 4;
            subject = start..(start + line[start..].IndexOf((byte)' '));
            payload = length + (withHeaders ? Number(line[..line.LastIndexOf((byte)' ')]) : 0);
            length += Number(line) + 2;
            return bytes.Length >= length;
        }

        private static int Number(ReadOnlySpan<byte> line) =>
            Utf8Parser.TryParse(line[(line.LastIndexOf((byte)' ') + 1)..], out int number, out _)
                ? number
                : throw new InvalidOperationException("The broker sent a frame without a size.");
    }
}
