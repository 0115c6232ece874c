using System.Buffers;

namespace Sync.Testing.Faults;

/// <summary>Changes the bytes of one direction of one connection. Called by one pump, never at the same time.</summary>
public interface IStreamFilter
{
    /// <summary>Takes what came and writes what goes on; it may keep bytes for the next call.</summary>
    void Pass(ReadOnlySpan<byte> bytes, IBufferWriter<byte> output);
}
